// Steps are dragged by their handle to another place. The server moves them, so that nothing that was typed is lost; the
// buttons beside a step do the same by keyboard.
const parts = () => document.getElementById("workflow-parts");
const step = (element) => element.closest("li[data-place]");
let dragged = null;
let target = null;

// The first button of a form is the one that Enter presses; this one is pressed by dragging alone.
const move = () => parts().querySelector('button[value^="w|move"]');

function prepare() {
  for (const handle of parts()?.querySelectorAll(".handle[hidden]") ?? []) { handle.hidden = false; handle.draggable = true; }
}

function mark(element, where) {
  for (const other of parts().querySelectorAll(".drop-before, .drop-after")) other.classList.remove("drop-before", "drop-after");
  element?.classList.add("drop-" + where);
}

function after(place) {
  const [, parent, last] = /^(.*?)(\d+)$/.exec(place);
  return parent + (Number(last) + 1);
}

document.addEventListener("dragstart", (event) => {
  const handle = event.target.closest?.(".handle");
  if (!handle) return;
  dragged = step(handle);
  event.dataTransfer.effectAllowed = "move";
  event.dataTransfer.setData("text/plain", dragged.dataset.place);
  event.dataTransfer.setDragImage(dragged, 16, 16);
  dragged.classList.add("dragged");
});
document.addEventListener("dragover", (event) => {
  const over = dragged && event.target.closest?.("#workflow-parts li[data-place]");
  if (!over || dragged.contains(over)) return;
  event.preventDefault();
  const box = (over.querySelector(":scope > .step > .node-line") ?? over).getBoundingClientRect();
  const before = "end" in over.dataset || event.clientY < box.top + box.height / 2;
  target = before ? over.dataset.place : after(over.dataset.place);
  mark(over, before ? "before" : "after");
});
document.addEventListener("drop", (event) => {
  if (!dragged || target === null) return;
  event.preventDefault();
  const button = move();
  button.value = `w|move:${dragged.dataset.place}:${target}`;
  button.click();
});
document.addEventListener("dragend", () => {
  if (!dragged) return;
  dragged.classList.remove("dragged");
  mark(null);
  dragged = target = null;
});

// Whoever moves a step by keyboard stays at its buttons.
let pressed = "";
document.addEventListener("htmx:config:request", (event) => { pressed = /^w\|(up|down|add)/.exec(event.detail.ctx.sourceElement.value ?? "")?.[1] ?? ""; });
document.addEventListener("htmx:after:swap", () => {
  prepare();
  const buttons = parts()?.querySelector("[data-moved]");
  if (pressed && buttons) (pressed === "add" ? buttons.closest(".line").querySelector("select") : buttons.querySelector(`button[value^="w|${pressed}"]`))?.focus();
  pressed = "";
});
prepare();
