// Sorting of tables by a click on a heading, or by a key on it: inside each tier where the table has tiers.
const textKey = (text) => (text !== "" && !Number.isNaN(Number(text)) ? Number(text) : text.toLowerCase());
for (const table of document.querySelectorAll("table[data-sortable]")) {
  const headings = [...table.tHead.rows[0].cells];
  headings.forEach((heading, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...heading.childNodes);
    if (!button.querySelector("span")) {
      const label = document.createElement("span");
      label.append(...button.childNodes);
      button.append(label);
    }
    heading.append(button);
    button.addEventListener("click", () => {
      const better = heading.querySelector(".way");
      const start = better && better.textContent === "↑" ? "descending" : "ascending";
      const other = start === "ascending" ? "descending" : "ascending";
      const order = heading.ariaSort === start ? other : start;
      headings.forEach((each) => each.removeAttribute("aria-sort"));
      heading.ariaSort = order;
      const sign = order === "ascending" ? 1 : -1;
      const key = (row) => {
        const cell = row.cells[column];
        if (cell.dataset.value === undefined) return textKey(cell.textContent.trim());
        return cell.dataset.value === "" ? null : Number(cell.dataset.value.replace("inf", "Infinity"));
      };
      for (const body of table.tBodies) {
        const rows = [...body.rows].filter((row) => !row.classList.contains("tier"));
        rows.sort((one, two) => {
          const a = key(one), b = key(two);
          if (a === null || b === null) return (a === null) - (b === null); // what has no value comes last
          if (typeof a !== typeof b) return typeof a === "number" ? -1 : 1; // numbers before words
          return a < b ? -sign : a > b ? sign : 0;
        });
        body.append(...rows);
      }
    });
  });
}
// A table that goes on beyond an edge of its box says so: it fades at the right, and its names cast a shadow at the left.
for (const box of document.querySelectorAll(".scroll")) {
  const look = () => {
    box.classList.toggle("more", box.scrollLeft + box.clientWidth < box.scrollWidth - 2);
    box.classList.toggle("scrolled", box.scrollLeft > 2);
  };
  const watch = new ResizeObserver(look); // also when a column is hidden, or a <details> around the table opens
  watch.observe(box);
  if (box.firstElementChild) watch.observe(box.firstElementChild);
  box.addEventListener("scroll", look, { passive: true });
}
// What a link leads to is scrolled to until it stays in its place: scenes above it are laid out only when they come near the window, and
// push it away.
{
  const settle = () => {
    const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    let frames = 12, stopped = !target;
    for (const kind of ["wheel", "touchstart", "keydown"]) addEventListener(kind, () => (stopped = true), { once: true, passive: true });
    const step = () => {
      if (stopped || frames-- === 0) return;
      target.scrollIntoView();
      requestAnimationFrame(step);
    };
    step();
  };
  addEventListener("load", settle);
  addEventListener("click", (event) => event.target.closest?.('a[href^="#"]') && requestAnimationFrame(settle)); // the same link again, too
  addEventListener("hashchange", settle);
}
