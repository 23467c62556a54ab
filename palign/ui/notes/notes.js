// What was just understood or learned, each with an Undo. Text enters through textContent only.
const list = element.querySelector(".notes");

function row(item) {
  const line = document.createElement("li");
  const text = document.createElement("span");
  text.textContent = item.text;
  text.dir = "auto";
  line.append(text);
  if (item.key) {
    const undo = document.createElement("button");
    undo.type = "button";
    undo.className = "link";
    undo.textContent = "Undo";
    undo.setAttribute("aria-label", "Undo: " + item.text);
    undo.addEventListener("click", () => { undo.disabled = true; trigger("undo", { key: item.key }); });
    line.append(" ", undo);
  }
  return line;
}

function paint() { list.replaceChildren(...((props.value || {}).items || []).map(row)); }

watch("value", paint);
paint();
