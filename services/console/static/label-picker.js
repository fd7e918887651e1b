// A text field for names separated by commas that suggests existing labels. Without scripts it is a plain text field.
let counter = 0;

class LabelPicker extends HTMLElement {
  connectedCallback() {
    this.input = this.querySelector("input");
    this.list = document.createElement("ul");
    this.list.id = "label-options-" + ++counter;
    this.list.className = "options";
    this.list.hidden = true;
    this.list.setAttribute("role", "listbox");
    this.list.setAttribute("aria-label", this.querySelector("label").textContent);
    this.append(this.list);
    Object.assign(this.input, { ariaAutoComplete: "list" });
    this.input.setAttribute("role", "combobox");
    this.input.setAttribute("aria-expanded", "false");
    this.input.setAttribute("aria-controls", this.list.id);
    this.input.addEventListener("input", () => this.offer());
    this.input.addEventListener("focus", () => this.offer());
    this.input.addEventListener("blur", () => setTimeout(() => this.close(), 150));
    this.input.addEventListener("keydown", (event) => this.key(event));
    this.list.addEventListener("pointerdown", (event) => {
      const option = event.target.closest("[role=option]");
      if (option) { event.preventDefault(); this.take(option.textContent); }
    });
  }
  names() { return this.input.value.split(",").map((name) => name.trim()); }
  offer() {
    const names = this.names();
    const typed = names.pop().toLocaleLowerCase();
    const all = [...document.querySelectorAll("#all-labels option")].map((option) => option.value);
    const found = all.filter((name) => !names.includes(name) && name.toLocaleLowerCase().includes(typed) && name.toLocaleLowerCase() !== typed).slice(0, 8);
    this.list.replaceChildren(...found.map((name, index) => {
      const option = document.createElement("li");
      option.setAttribute("role", "option");
      option.id = this.list.id + "-" + index;
      option.setAttribute("aria-selected", "false");
      option.textContent = name;
      return option;
    }));
    this.active = -1;
    this.input.removeAttribute("aria-activedescendant");
    this.list.hidden = found.length === 0;
    this.input.setAttribute("aria-expanded", String(!this.list.hidden));
  }
  close() { this.list.hidden = true; this.input.setAttribute("aria-expanded", "false"); this.input.removeAttribute("aria-activedescendant"); }
  key(event) {
    const options = [...this.list.children];
    if (event.key === "Escape" && !this.list.hidden) { event.preventDefault(); this.close(); return; }
    if (this.list.hidden || options.length === 0) return;
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      this.active = (this.active + (event.key === "ArrowDown" ? 1 : options.length + (this.active < 0 ? 0 : -1))) % options.length;
      options.forEach((option, index) => option.setAttribute("aria-selected", String(index === this.active)));
      this.input.setAttribute("aria-activedescendant", options[this.active].id);
    } else if (event.key === "Enter" && this.active >= 0) {
      event.preventDefault();
      this.take(options[this.active].textContent);
    }
  }
  take(name) {
    const names = this.names();
    names.pop();
    this.input.value = [...names.filter(Boolean), name].join(", ") + ", ";
    this.input.focus();
    this.offer();
  }
}

customElements.define("label-picker", LabelPicker);
