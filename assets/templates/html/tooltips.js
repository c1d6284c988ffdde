
// Shows a mark's figure where it is pointed at, touched, or reached with the arrow keys. Without this script the
// browser shows the same text from the mark's title.
"use strict";
(() => {
  const tip = document.createElement("div");
  tip.className = "tip";
  tip.hidden = true;
  document.body.append(tip);
  const show = (mark) => {
    tip.textContent = mark.getAttribute("aria-label");
    tip.hidden = false;
    const box = mark.getBoundingClientRect();
    const left = Math.min(box.left, document.documentElement.clientWidth - tip.offsetWidth - 8);
    tip.style.left = `${Math.max(8, left) + scrollX}px`;
    tip.style.top = `${box.top + scrollY - tip.offsetHeight - 6}px`;
  };
  const hide = () => { tip.hidden = true; };
  for (const chart of document.querySelectorAll(".chart svg")) {
    const marks = [...chart.querySelectorAll(".mark")];
    marks.forEach((mark, index) => {
      mark.querySelector("title")?.remove();
      mark.setAttribute("tabindex", index === 0 ? "0" : "-1");
      for (const event of ["pointerenter", "focus", "click"]) mark.addEventListener(event, () => show(mark));
      for (const event of ["pointerleave", "blur"]) mark.addEventListener(event, hide);
      mark.addEventListener("keydown", (event) => {
        const step = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1 }[event.key];
        const to = step && marks[index + step];
        if (event.key === "Escape") hide();
        if (!to) return;
        event.preventDefault();
        mark.setAttribute("tabindex", "-1");
        to.setAttribute("tabindex", "0");
        to.focus();
      });
    });
  }
  const open = () => document.getElementById(location.hash.slice(1))?.closest("details")?.setAttribute("open", "");
  addEventListener("hashchange", open);
  open();
})();
