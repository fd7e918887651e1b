// The frame of a mail: it is as high as the mail, and a click on a link shows the link's labels without a new page.
class MailFrame extends HTMLElement {
  connectedCallback() {
    this.frame = this.querySelector("iframe");
    this.frame.addEventListener("load", () => this.prepare());
    if (this.frame.contentDocument?.readyState === "complete") this.prepare();
  }
  prepare() {
    const inside = this.frame.contentDocument;
    if (!inside?.body || inside.URL === "about:blank") return;
    this.frame.style.height = "0"; // a document is never lower than its frame
    const height = Math.max(inside.documentElement.scrollHeight, inside.body.scrollHeight);
    this.frame.style.height = Math.min(Math.max(height + 4, 240), 2400) + "px";
    inside.addEventListener("click", (event) => {
      const section = event.target.closest("[data-penchant-place]");
      if (section) { event.preventDefault(); chooseSection(inside, section); return; }
      const link = event.target.closest("[data-penchant-link]");
      if (!link) return;
      event.preventDefault();
      choose(link.dataset.penchantLink);
    });
  }
}

function choose(number) {
  const mark = document.getElementById("link-" + number);
  const item = mark?.closest(".link-item");
  if (!item) return;
  for (const other of document.querySelectorAll(".link-item.chosen")) other.classList.remove("chosen");
  item.closest("details")?.setAttribute("open", "");
  item.classList.add("chosen");
  item.scrollIntoView({ block: "center", behavior: matchMedia("(prefers-reduced-motion: reduce)").matches ? "auto" : "smooth" });
  // After the click has ended: until then the frame takes the focus back.
  setTimeout(() => {
    window.focus();
    (item.querySelector("label-picker input") ?? item.querySelector("a"))?.focus({ preventScroll: true });
  });
}

function chooseSection(inside, section) {
  const select = document.getElementById("f-place");
  // A section without an entry of its own is within a section that has one.
  while (section && ![...select.options].some((option) => option.value === section.dataset.penchantPlace)) section = section.parentElement?.closest("[data-penchant-place]");
  if (!section) return;
  select.value = section.dataset.penchantPlace;
  for (const other of inside.querySelectorAll("[data-penchant-place]")) other.style.outline = "";
  section.style.outline = "3px solid #1a6dd6";
}

customElements.define("mail-frame", MailFrame);
