// What every page does beyond plain HTML: keep typed text, close menus, announce changes.
const DRAFT = "penchant-draft:";

function draftKey(form) {
  return DRAFT + location.pathname + "#" + (form.id || form.getAttribute("action") || "form");
}

// A form with data-draft survives a restart of the server and the end of the session.
function keepDraft(form) {
  const key = draftKey(form);
  const kept = sessionStorage.getItem(key);
  if (kept && !form.dataset.refused) {
    const values = JSON.parse(kept);
    for (const [name, value] of values) {
      const field = form.elements.namedItem(name);
      if (field && "value" in field && field.type !== "hidden" && field.type !== "checkbox" && field.type !== "radio" && !field.value) field.value = value;
    }
  }
  form.addEventListener("input", () => {
    const values = [...new FormData(form)].filter(([, value]) => typeof value === "string");
    sessionStorage.setItem(key, JSON.stringify(values));
  });
}

function forgetDrafts() {
  for (const key of Object.keys(sessionStorage)) if (key.startsWith(DRAFT + location.pathname)) sessionStorage.removeItem(key);
}

if (document.querySelector("[data-notice=done]")) {
  for (const key of Object.keys(sessionStorage)) if (key.startsWith(DRAFT)) sessionStorage.removeItem(key);
}
document.querySelectorAll("form[data-draft]").forEach(keepDraft);

// Menus close on a click elsewhere and on Escape.
document.addEventListener("click", (event) => {
  for (const menu of document.querySelectorAll("details.menu[open]")) if (!menu.contains(event.target)) menu.open = false;
});
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") {
    for (const menu of document.querySelectorAll("details.menu[open]")) { menu.open = false; menu.querySelector("summary").focus(); }
  }
  // "/" goes to the search field of the page.
  if (event.key === "/" && !event.target.closest("input, textarea, select, [contenteditable]")) {
    const search = document.querySelector("input[type=search]");
    if (search) { event.preventDefault(); search.focus(); }
  }
});

// A select that submits its form at once; without scripts there is a button.
document.addEventListener("change", (event) => {
  const form = event.target.closest("form[data-submit-on-change]");
  if (form) form.requestSubmit();
});
document.querySelectorAll("form[data-submit-on-change] [data-without-scripts]").forEach((button) => { button.hidden = true; });

// A failed htmx request shows a message, and nothing on the page is replaced.
const trouble = document.getElementById("trouble");
document.addEventListener("htmx:before:swap", (event) => {
  const status = event.detail?.ctx?.response?.status ?? event.detail?.ctx?.response?.raw?.status;
  if (status >= 400 && status !== 422) { event.preventDefault(); event.detail.ctx.refused = true; say(trouble?.dataset.failed); }
  else if (trouble) trouble.hidden = true;
});
document.addEventListener("htmx:error", () => say(trouble?.dataset.away));
function say(text) { if (trouble && text) { trouble.textContent = text; trouble.hidden = false; } }

// While the request of a builder's button runs, a change of a field must not restore the builder without its result.
const pressed = new WeakMap();
const isOver = (request) => request.refused || request.status === "swapped" || String(request.status).startsWith("error");
document.addEventListener("htmx:config:request", (event) => {
  const source = event.detail.ctx.sourceElement;
  const builder = source.closest("[data-builder]");
  if (!builder) return;
  if (source.matches("button")) pressed.set(builder, event.detail.ctx);
  else if (pressed.has(builder) && !isOver(pressed.get(builder))) event.preventDefault();
});

// Copying a link or a key.
document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  const source = document.getElementById(button.dataset.copy);
  await navigator.clipboard.writeText(source.value ?? source.textContent);
  button.textContent = button.dataset.copied;
});
