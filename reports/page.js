"use strict";
// Sorting of tables by a click on a heading, inside each tier; filtering of rows, pictures and cards by name and tier.
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
        if (cell.dataset.value === undefined) return cell.textContent.trim().toLowerCase();
        return cell.dataset.value === "" ? null : Number(cell.dataset.value);
      };
      for (const body of table.tBodies) {
        const rows = [...body.rows].filter((row) => !row.classList.contains("tier"));
        rows.sort((one, two) => {
          const a = key(one), b = key(two);
          if (a === null || b === null) return (a === null) - (b === null); // what has no value comes last
          return a < b ? -sign : a > b ? sign : 0;
        });
        body.append(...rows);
      }
    });
  });
}

const form = document.querySelector("form.filter");
form.hidden = false;
form.addEventListener("submit", (event) => event.preventDefault());
form.addEventListener("input", () => {
  const wanted = form.elements.method.value.trim().toLowerCase();
  const boxes = [...form.querySelectorAll("input[name=tier]")];
  const tiers = new Set(boxes.filter((box) => box.checked).map((box) => box.value));
  const shown = new Set(), all = new Set();
  for (const item of document.querySelectorAll("[data-method]")) {
    const tier = item.dataset.tier ?? item.closest("[data-tier]").dataset.tier;
    const name = item.dataset.method + "\n" + tier;
    item.hidden = !(tiers.has(tier) && item.dataset.method.toLowerCase().includes(wanted));
    all.add(name);
    if (!item.hidden) shown.add(name);
  }
  for (const body of document.querySelectorAll("tbody[data-tier]")) body.hidden = ![...body.rows].some((row) => row.dataset.method && !row.hidden);
  form.querySelector("output").textContent = shown.size === all.size ? "" : `${shown.size} of ${all.size} methods`;
});
