// Steps are dragged by their handle to another place, by mouse, pen or finger. The server moves them, so that nothing
// that was typed is lost; the buttons beside a step do the same by keyboard.
const EDGE = 60; // pixels from the edge of the window within which it scrolls
const parts = () => document.getElementById("workflow-parts");
let dragged = null;
let target = null;

// Only dragging presses this button; its value names the step and its new place.
const move = () => parts().querySelector('button[value^="w|move"]');

function prepare() {
  for (const handle of parts()?.querySelectorAll(".handle") ?? []) handle.hidden = false;
}

function mark(element, where) {
  for (const other of parts().querySelectorAll(".drop-before, .drop-after")) other.classList.remove("drop-before", "drop-after");
  element?.classList.add("drop-" + where);
}

function after(place) {
  const [, parent, last] = /^(.*?)(\d+)$/.exec(place);
  return parent + (Number(last) + 1);
}

function end() {
  dragged?.classList.remove("dragged");
  mark(null);
  dragged = target = null;
}

document.addEventListener("pointerdown", (event) => {
  const handle = event.target.closest(".handle");
  if (!handle || event.button !== 0) return;
  event.preventDefault();
  handle.setPointerCapture(event.pointerId);
  dragged = handle.closest("li[data-place]");
  dragged.classList.add("dragged");
});
document.addEventListener("pointermove", (event) => {
  if (!dragged) return;
  if (event.clientY < EDGE || event.clientY > innerHeight - EDGE) scrollBy(0, event.clientY < EDGE ? -16 : 16);
  const over = document.elementFromPoint(event.clientX, event.clientY)?.closest("#workflow-parts li[data-place]");
  if (!over || dragged.contains(over)) { target = null; mark(null); return; }
  const box = (over.querySelector(":scope > .step > .node-line") ?? over).getBoundingClientRect();
  const before = "end" in over.dataset || event.clientY < box.top + box.height / 2;
  target = before ? over.dataset.place : after(over.dataset.place);
  mark(over, before ? "before" : "after");
});
document.addEventListener("pointerup", () => {
  if (dragged && target !== null) {
    const button = move();
    button.value = `w|move:${dragged.dataset.place}:${target}`;
    button.click();
  }
  if (dragged) end();
});
document.addEventListener("pointercancel", () => { if (dragged) end(); });
document.addEventListener("keydown", (event) => { if (dragged && event.key === "Escape") end(); });

// When a step is moved by keyboard, the focus stays on its buttons.
let pressed = "";
document.addEventListener("htmx:config:request", (event) => { pressed = /^w\|(up|down|add)/.exec(event.detail.ctx.sourceElement.value ?? "")?.[1] ?? ""; });
document.addEventListener("htmx:after:swap", () => {
  prepare();
  const buttons = parts()?.querySelector("[data-moved]");
  if (pressed && buttons) (pressed === "add" ? buttons.closest(".line").querySelector("select") : buttons.querySelector(`button[value^="w|${pressed}"]`))?.focus();
  pressed = "";
});
prepare();
