// What is remembered: edit, pin, pause, delete with undo, export, import, forget; and votes, each deletable with undo.
// Text enters through textContent.
const root = element.querySelector(".memories");
const list = root.querySelector(".memories-list");
const votes = root.querySelector(".votes");
const undo = root.querySelector(".memories-undo");
const file = root.querySelector(".memories-file");
const forget = root.querySelector(".memories-forget");
const typed = forget.querySelector("input");
const LARGEST_IMPORT = 2_000_000;
let saved = null;

function act(action, detail) { trigger("act", { action, ...detail }); }

function button(label, spoken, pressed, onclick) {
  const node = document.createElement("button");
  node.type = "button";
  node.className = "act";
  node.textContent = label;
  node.setAttribute("aria-label", spoken);
  if (pressed !== null) node.setAttribute("aria-pressed", String(pressed));
  node.addEventListener("click", onclick);
  return node;
}

function row(memory) {
  const item = document.createElement("li");
  item.className = "memory" + (memory.paused ? " paused" : "");
  item.dataset.id = memory.id;
  const text = document.createElement("p");
  text.className = "memory-text";
  text.dir = "auto";
  text.textContent = memory.text;
  const line = document.createElement("p");
  line.className = "memory-line";
  line.textContent = memory.line;
  const bar = document.createElement("div");
  bar.className = "memory-acts";
  const id = memory.id;
  bar.append(
    button("Edit", `Edit: ${memory.text}`, null, () => edit(item, memory)),
    button("Pin", `Always use: ${memory.text}`, memory.pinned, () => act("pin", { id, on: !memory.pinned })),
    button("Pause", `Do not use: ${memory.text}`, memory.paused, () => act("pause", { id, on: !memory.paused })),
    button("Delete", `Delete: ${memory.text}`, null, () => act("delete", { id })),
  );
  item.append(text, line, bar);
  return item;
}

function edit(item, memory) {
  const form = document.createElement("form");
  form.className = "memory-edit";
  const input = document.createElement("textarea");
  input.value = memory.text;
  input.rows = 3;
  input.dir = "auto";
  input.maxLength = 1000;
  input.setAttribute("aria-label", "New words");
  const save = document.createElement("button");
  save.type = "submit";
  save.className = "act";
  save.textContent = "Save";
  form.append(input, save, button("Cancel", "Cancel", null, () => item.replaceWith(row(memory))));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    act("edit", { id: memory.id, text: input.value });
  });
  item.replaceChildren(form);
  input.focus();
}

function vote(given) {
  const item = document.createElement("li");
  item.className = "vote";
  const text = document.createElement("span");
  text.textContent = given.text;
  const when = document.createElement("small");
  when.textContent = new Date(given.at * 1000).toLocaleString([], { dateStyle: "medium", timeStyle: "short" });
  const spoken = `Delete: ${given.text}, ${when.textContent}`;
  item.append(text, when, button("Delete", spoken, null, () => trigger("retract", { id: given.id })));
  return item;
}

function paintVotes(given) {
  votes.hidden = !given.length;
  votes.querySelector(".votes-list").replaceChildren(...given.map(vote));
}

function paint() {
  const value = props.value || {};
  const items = value.items || [];
  const focused = root.contains(document.activeElement);
  list.replaceChildren(...items.map(row));
  paintVotes(value.votes || []);
  root.querySelector(".memories-empty").hidden = items.length > 0;
  root.querySelector(".memories-note span").textContent = value.note || "";
  undo.hidden = !value.undo;
  // The row that was deleted took the focus with it; without this the next Tab would begin at the top of the page.
  if (focused && value.undo && !root.contains(document.activeElement)) undo.focus();
  root.querySelector(".memories-where").textContent = value.where || "";
  if (value.erased) closeForget();
  if (value.download && value.download !== saved) download(value.download);
  saved = value.download || null;
}

function download(text) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text], { type: "application/json" }));
  link.download = "palign-memories.json";
  link.click();
  URL.revokeObjectURL(link.href);
}

function closeForget() {
  forget.hidden = true;
  typed.value = "";
  forget.querySelector("button").disabled = true;
  root.querySelector('[data-tool="forget"]').setAttribute("aria-expanded", "false");
}

const TOOLS = {
  export: () => trigger("export", {}),
  import: () => file.click(),
  forget: (tool) => {
    forget.hidden = !forget.hidden;
    tool.setAttribute("aria-expanded", String(!forget.hidden));
    if (!forget.hidden) typed.focus();
  },
};

root.querySelector(".memories-tools").addEventListener("click", (event) => {
  const tool = event.target.closest("[data-tool]");
  if (tool) TOOLS[tool.dataset.tool](tool);
});
undo.addEventListener("click", () => act("undo", {}));
file.addEventListener("change", async () => {
  const chosen = file.files[0];
  file.value = "";
  if (!chosen) return;
  act("import", { text: chosen.size > LARGEST_IMPORT ? "" : await chosen.text(), name: chosen.name });
});
typed.addEventListener("input", () => {
  forget.querySelector("button").disabled = typed.value.trim().toLowerCase() !== "forget";
});
forget.addEventListener("submit", (event) => { event.preventDefault(); trigger("forget", { text: typed.value }); });

watch("value", paint);
paint();
