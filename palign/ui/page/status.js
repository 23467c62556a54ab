// One line of plain text that screen readers announce; the element stays, only its text changes.
const line = element.querySelector(".status-line");
function paint() { const text = props.value || ""; if (line.textContent !== text) line.textContent = text; }
watch("value", paint);
paint();
