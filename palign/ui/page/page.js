() => {
  // Names and keys that the components do not give themselves.
  const composer = () => document.querySelector("#composer textarea");
  const button = (name) => document.querySelector(`#composer .${name}-button`);

  function label() {
    button("submit")?.setAttribute("aria-label", "Ask");
    button("stop")?.setAttribute("aria-label", "Stop");
  }
  new MutationObserver(label).observe(document.body, { childList: true, subtree: true });
  label();

  const running = () => Boolean(button("stop"));
  const touch = window.matchMedia("(pointer: coarse)");
  document.addEventListener("keydown", (event) => {
    if (event.key === "k" && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      composer()?.focus();
    } else if (event.key === "Escape") {
      button("stop")?.click();
    } else if (event.key === "Enter" && !event.shiftKey && event.target === composer()) {
      if (running()) event.preventDefault();
      if (running() || touch.matches) event.stopPropagation();   // on a phone Enter is a new line; the arrow sends
    }
  }, { capture: true });

  // One question at a time: while an answer runs, suggestions wait as well.
  document.addEventListener("click", (event) => {
    if (running() && event.target.closest("#prompts button")) event.stopPropagation();
  }, { capture: true });
}
