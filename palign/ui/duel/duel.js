// The duel in the browser: paints packed strings by appending, shows why a word is there, sends what was pressed.
// All text enters through textContent; values from the server hold strings, never markup.
const UNIT = "\x1f", RECORD = "\x1e", GROUP = "\x1d", FIELD = "\x1c";
const REASONS = [
  ["wrong", "wrong"], ["unsafe", "unsafe"], ["too-long", "too long"], ["too-short", "too short"],
  ["too-formal", "too formal"], ["too-casual", "too casual"], ["too-technical", "too technical"],
  ["too-plain", "too plain"], ["style", "other style"],
];
const FLOOR_LETTER = 8;
const root = element.querySelector(".duel");
const tip = root.querySelector(".duel-tip");
const panes = { generic: pane("generic", "a"), personal: pane("personal", "b") };
let turn = null, latest = -1, value = {}, shownFor = null, explore = true;

function pane(side, letter) {
  const box = root.querySelector(`.pane-${side}`);
  const foot = box.querySelector(".pane-foot");
  const thumbs = [["up", "Good answer"], ["down", "Bad answer"]].map(([mark, label]) => {
    const button = make("button", `thumb thumb-${mark}`);
    button.append(thumbIcon());
    button.type = "button";
    button.dataset.mark = mark;
    button.setAttribute("aria-label", `${label}: ${side === "generic" ? "Generic" : "Yours"}`);
    button.title = label;
    button.addEventListener("click", () => rate(side, mark, ""));
    foot.append(button);
    return button;
  });
  const chips = make("div", "reasons");
  chips.hidden = true;
  chips.setAttribute("role", "group");
  chips.setAttribute("aria-label", "What was wrong with it?");
  chips.append(make("span", "reasons-ask", "What was wrong?"));
  for (const [reason, word] of REASONS) {
    const chip = make("button", "chip", word);
    chip.type = "button";
    chip.dataset.reason = reason;
    chip.addEventListener("click", () => rate(side, "down", reason));
    chips.append(chip);
  }
  foot.append(chips);
  return { side, letter, box, foot, thumbs, chips, text: box.querySelector(".pane-text"), tips: [], plain: false };
}

// Drawn, because not every machine has a font with thumbs.
function thumbIcon() {
  const space = "http://www.w3.org/2000/svg";
  const icon = document.createElementNS(space, "svg");
  icon.setAttribute("viewBox", "0 0 24 24");
  icon.setAttribute("aria-hidden", "true");
  const path = document.createElementNS(space, "path");
  path.setAttribute("d", "M3 11h4v9H3zM7 12l4-8c1.8 0 2.6 1.2 2.3 2.8L12.7 10H19c1.3 0 2.2 1.2 1.9 2.4l-1.6 6.2c-.2.9-1 1.4-1.9 1.4H7z");
  icon.append(path);
  return icon;
}

function make(tag, name, text) {
  const node = document.createElement(tag);
  if (name) node.className = name;
  if (text !== undefined) node.textContent = text;
  return node;
}

function show(node, visible) { node.hidden = !visible; }

// 1. Painting

function paint() {
  const next = props.value || {};
  const now = next.turn ?? "";
  if (now === turn && (next.n ?? 0) < latest) return;   // a late update of a turn that has moved on
  if (now !== turn) clear();
  if (now !== turn || next.phase === "waiting") explore = next.explore !== false;
  turn = now;
  latest = next.n ?? 0;
  value = next;
  root.dataset.turn = now;
  root.dataset.phase = next.phase || "idle";
  for (const one of Object.values(panes)) paintPane(one);
  paintTop();
  paintWhy();
  paintMarks();
}

function clear() {
  hideTip();
  for (const one of Object.values(panes)) {
    one.text.replaceChildren();
    one.tips = [];
    one.chips.hidden = true;
  }
}

function paintPane(one) {
  const plain = value["p" + one.letter] || "";
  const tokens = (value[one.letter] || "").split(UNIT);
  tokens.pop();
  if (plain) {
    if (one.text.textContent !== plain) one.text.textContent = plain;
    one.plain = true;
  } else {
    if (one.plain) one.text.replaceChildren();
    one.plain = false;
    // A shorter list is another text under the same turn (a held back ending): paint it anew.
    if (tokens.length < one.text.childElementCount) one.text.replaceChildren();
    append(one, tokens, value["r" + one.letter] || "");
  }
  one.tips = (value["t" + one.letter] || "").split(UNIT);
  const waiting = value.phase === "waiting" || value.phase === "running";
  show(one.box.querySelector(".pane-empty"), !value.question && !waiting);
  one.box.classList.toggle("running", waiting);
}

function append(one, tokens, letters) {
  const added = document.createDocumentFragment();
  const painted = one.text.childElementCount;
  for (let i = painted; i < tokens.length; i++) added.append(token(tokens[i], letters.charCodeAt(i), i));
  one.text.append(added);
  if (one.text.querySelector('[tabindex="0"]')) return;
  const first = [...one.text.children].find((span) => span.textContent.trim());
  if (first) first.tabIndex = 0;
}

function token(text, code, index) {
  const level = (code - 97) / 12 - 1;
  const span = make("span", "tok", text);
  span.dataset.i = index;
  if (text) span.tabIndex = -1;
  if (level && text.trim()) {
    // The space before a word stays unpainted.
    const word = text.trimStart();
    const ink = make("span", `ink ${level > 0 ? "up" : "down"}`, word);
    ink.style.setProperty("--lv", Math.abs(level).toFixed(2));
    span.replaceChildren(text.slice(0, text.length - word.length), ink);
  }
  return span;
}

function paintTop() {
  const question = root.querySelector(".duel-question");
  question.textContent = value.question || "";
  show(question, Boolean(value.question));
  const notice = root.querySelector(".duel-notice");
  notice.textContent = value.notice || "";
  show(notice, Boolean(value.notice));
  root.querySelector(".pane-personal .pane-line").textContent = value.line || "";
  const bare = value.question && value.phase === "done" && !value.a && !value.b && !value.pa && !value.pb;
  root.classList.toggle("bare", Boolean(bare));
}

function paintWhy() {
  const coloured = /[^m]/.test(value.rb || "");
  show(root.querySelector(".why-legend"), coloured);
  const same = root.querySelector(".pane-same");
  const ended = value.phase === "done" || value.phase === "stopped";
  same.textContent = value.same && ended
    ? "Both answers came out the same: nothing that is known about you changed a word." : "";
  show(same, Boolean(same.textContent));
  const leaning = root.querySelector(".why-leaning");
  leaning.textContent = (value.leaning || []).length ? "Leaning towards: " + value.leaning.join(", ") : "";
  show(leaning, Boolean(leaning.textContent));
  paintTrying();
  const used = root.querySelector(".why-used");
  used.querySelector("ul").replaceChildren(...(value.used || []).map((text) => {
    const item = make("li", "", text);
    item.dir = "auto";
    return item;
  }));
  show(used, (value.used || []).length > 0);
}

function paintTrying() {
  const line = root.querySelector(".why-trying");
  const trying = value.trying || [];
  const ahead = explore ? "" : trying.length ? "; the next answer will not" : "not trying anything new";
  line.querySelector(".trying-text").textContent = (trying.length ? "trying: " + trying.join(", ") : "") + ahead + " ·";
  const button = line.querySelector(".trying-switch");
  button.textContent = explore ? "turn off" : "turn on";
  button.setAttribute("aria-label", explore ? "Stop trying new styles" : "Let the second answer try new styles");
  show(line, Boolean(value.question) && (trying.length > 0 || !explore));
}

function paintMarks() {
  const marks = value.marks || {};
  for (const one of Object.values(panes)) {
    const [mark, reason] = marks[one.side] || ["", ""];
    show(one.foot, Boolean(value.votable));
    for (const thumb of one.thumbs) thumb.setAttribute("aria-pressed", String(thumb.dataset.mark === mark));
    show(one.chips, mark === "down");
    for (const chip of one.chips.querySelectorAll(".chip")) {
      chip.setAttribute("aria-pressed", String(chip.dataset.reason === reason));
    }
  }
  const votes = root.querySelector(".duel-votes");
  show(votes, Boolean(value.votable));
  for (const button of votes.querySelectorAll("button")) {
    button.setAttribute("aria-pressed", String(button.dataset.vote === (marks.vote || [""])[0]));
  }
}

// 2. What was pressed. The wanted end state is sent, so that a repeated message changes nothing.

function rate(side, mark, reason) {
  const [pressed, given] = (value.marks || {})[side] || ["", ""];
  const cleared = pressed === mark && !reason;
  trigger("rate", { turn, side, mark: cleared ? "" : mark, reason: given === reason ? "" : reason });
}

root.querySelector(".duel-votes").addEventListener("click", (event) => {
  const button = event.target.closest("button[data-vote]");
  if (!button) return;
  const pressed = button.getAttribute("aria-pressed") === "true";
  trigger("vote", { turn, outcome: pressed ? "" : button.dataset.vote });
});

root.querySelector(".trying-switch").addEventListener("click", () => {
  explore = !explore;
  trigger("explore", { on: explore });
  paintTrying();
});

// 3. Why a word is there: one tooltip element, on pointer, focus and tap.

function paneOf(span) { return panes[span.closest(".pane").dataset.side]; }

function tipLines(one, span) {
  const [chances, pushes, beaten] = (one.tips[Number(span.dataset.i)] || "").split(RECORD);
  if (beaten === undefined) return [];
  const lines = [["tip-word", `“${visible(span.textContent)}”`]];
  const named = pushes ? pushes.split(GROUP).map((push) => [nameOf(push), Number(push.slice(1))]) : [];
  for (const [name, nats] of named.slice(0, 3)) {
    lines.push([nats > 0 ? "tip-up" : "tip-down", `${name} pushed it ${nats > 0 ? "up" : "down"} ${signed(nats)}`]);
  }
  if (!named.length) lines.push(["tip-none", one.side === "personal" ? "No preference pushed this word." : "Not steered."]);
  const [before, after] = chances.split(FIELD);
  lines.push(["tip-chance", named.length ? `Chance ${before}\u00a0% without you, ${after}\u00a0% with you.` : `Chance ${after}\u00a0%.`]);
  const others = beaten ? beaten.split(GROUP).map((other) => other.split(FIELD)) : [];
  if (others.length) lines.push(["tip-beat", "It beat " + others.map(rival).join(", ") + "."]);
  return lines;
}

function rival([text, before, after]) {
  return (text ? `“${visible(text)}”\u00a0` : "ending here\u00a0") + (before === after ? `${after}\u00a0%` : `${before}\u00a0→\u00a0${after}\u00a0%`);
}

function nameOf(push) { return (value.dims || [])[push.charCodeAt(0) - 97] || "a preference"; }
function signed(nats) { return (nats > 0 ? "+" : "−") + Math.abs(nats).toFixed(2); }
function visible(text) { return text.replace(/\n/g, "↵").trim() || text.replace(/ /g, "␣"); }

function showTip(span) {
  if (!span.textContent) return;
  const lines = tipLines(paneOf(span), span);
  if (!lines.length) return;
  tip.replaceChildren(...lines.map(([name, text]) => make("div", name, text)));
  tip.hidden = false;
  shownFor?.removeAttribute("aria-describedby");
  shownFor = span;
  span.setAttribute("aria-describedby", tip.id);
  place(span.getClientRects()[0] || span.getBoundingClientRect());
}

function place(at) {
  const width = tip.offsetWidth, height = tip.offsetHeight, edge = 8;
  const left = Math.max(edge, Math.min(at.left, document.documentElement.clientWidth - width - edge));
  const above = at.top - height - 6;
  tip.style.left = `${left}px`;
  tip.style.top = `${above >= edge ? above : at.bottom + 6}px`;
}

function hideTip() {
  shownFor?.removeAttribute("aria-describedby");
  shownFor = null;
  tip.hidden = true;
}

function tokenAt(event) { return event.target.closest?.(".pane-text .tok"); }

root.addEventListener("pointerover", (event) => {
  if (event.pointerType === "touch") return;
  const span = tokenAt(event);
  if (span) showTip(span); else if (!tip.contains(event.target)) hideTip();
});
root.addEventListener("pointerleave", hideTip);
root.addEventListener("focusin", (event) => { const span = tokenAt(event); if (span) showTip(span); else hideTip(); });
root.addEventListener("focusout", hideTip);
root.addEventListener("click", (event) => { const span = tokenAt(event); if (span) showTip(span); else hideTip(); });
document.addEventListener("scroll", () => { if (!tip.hidden) hideTip(); }, { capture: true, passive: true });

// One tab stop per pane; arrows walk through its words.
root.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && !tip.hidden) { hideTip(); event.stopPropagation(); return; }
  const span = tokenAt(event);
  const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
  if (!span || (!step && event.key !== "Home" && event.key !== "End")) return;
  const words = [...span.parentElement.children].filter((child) => child.textContent.trim());
  const at = words.indexOf(span);
  const next = event.key === "Home" ? words[0] : event.key === "End" ? words.at(-1) : words[at + step];
  if (!next) return;
  event.preventDefault();
  span.tabIndex = -1;
  next.tabIndex = 0;
  next.focus();
});

watch("value", paint);
paint();
