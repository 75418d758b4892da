"use strict";
// The leaderboard: one tab for each protocol, ranks inside what methods are told or over all, more columns, and linked hovering.
document.documentElement.classList.add("js");
{
  const list = document.querySelector(".tabs"), tabs = list ? [...list.querySelectorAll("a")] : [];
  const panelOf = (tab) => document.getElementById(tab.hash.slice(1));

  function choose(tab, focus) {
    for (const each of tabs) {
      const on = each === tab;
      each.setAttribute("aria-selected", String(on));
      each.tabIndex = on ? 0 : -1;
      panelOf(each).classList.toggle("away", !on);
    }
    if (focus) tab.focus();
  }

  if (list) {
    list.setAttribute("role", "tablist");
    for (const tab of tabs) {
      tab.parentElement.setAttribute("role", "presentation");
      tab.setAttribute("role", "tab");
      tab.setAttribute("aria-controls", tab.hash.slice(1));
      const panel = panelOf(tab);
      panel.setAttribute("role", "tabpanel");
      panel.setAttribute("aria-labelledby", tab.id);
      tab.addEventListener("click", (event) => {
        event.preventDefault();
        event.stopPropagation(); // the page stays where it is
        choose(tab, false);
      });
    }
    choose(tabs[0], false);
    list.addEventListener("keydown", (event) => {
      const shown = tabs.filter((tab) => !tab.parentElement.hidden), at = shown.indexOf(document.activeElement);
      const to = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: shown.length - 1 }[event.key];
      if (event.key === " ") event.preventDefault(), document.activeElement.click();
      if (to === undefined || at < 0) return;
      event.preventDefault();
      choose(shown[(to + shown.length) % shown.length], true);
    });
    // A protocol that the filter takes away is not the chosen one.
    new MutationObserver(() => {
      const chosen = tabs.find((tab) => tab.ariaSelected === "true"), left = tabs.filter((tab) => !tab.parentElement.hidden);
      if (chosen.parentElement.hidden && left.length) choose(left[0], false);
    }).observe(list, { subtree: true, attributes: true, attributeFilter: ["hidden"] });
  }

  // What a link leads to is opened before the page is scrolled to it.
  const reveal = (hash) => {
    const target = hash.length > 1 && document.getElementById(decodeURIComponent(hash.slice(1)));
    if (!target) return;
    const panel = target.closest(".panel"), tab = panel && tabs.find((each) => panelOf(each) === panel);
    if (tab) choose(tab, false);
    for (let each = target; each; each = each.parentElement) if (each.tagName === "DETAILS") each.open = true;
  };
  addEventListener("hashchange", () => reveal(location.hash), true);
  document.addEventListener("click", (event) => {
    const link = event.target.closest?.('a[href^="#"]');
    if (link) reveal(link.hash);
  }, true);
  reveal(location.hash);

  // Ranks. Overall, the ranked rows of all groups stand in one group, the best first; within, they go back to their places.
  const results = document.getElementById("results"), homes = new Map();
  const boards = [...results.querySelectorAll("table.board")];
  for (const table of boards) {
    const gathered = table.createTBody();
    gathered.className = "gathered";
    table.tHead.after(gathered);
    for (const row of table.querySelectorAll("tr[data-overall]")) homes.set(row, row.parentElement);
  }
  function rank(kind) {
    results.classList.toggle("by-overall", kind === "overall");
    for (const [row, home] of homes) {
      const cell = row.querySelector(".rank"), place = row.dataset[kind];
      cell.textContent = place || "–";
      cell.dataset.value = place;
      const gathered = row.closest("table").querySelector(".gathered");
      if (kind === "within" || home.classList.contains("below")) home.append(row);
      else gathered.append(row);
    }
    for (const table of boards) {
      const gathered = table.querySelector(".gathered");
      gathered.append(...[...gathered.rows].sort((a, b) => a.dataset.overall - b.dataset.overall));
      for (const heading of table.tHead.rows[0].cells) heading.removeAttribute("aria-sort");
    }
  }
  for (const input of results.querySelectorAll(".switch input")) input.addEventListener("change", () => rank(input.value));

  const more = results.querySelector(".more-columns");
  results.classList.add("lean");
  if (!results.querySelector(".extra")) more.hidden = true;
  more.addEventListener("click", () => {
    const on = results.classList.toggle("lean");
    more.setAttribute("aria-pressed", String(!on));
    more.textContent = on ? "More columns" : "Fewer columns";
  });

  // A method that is pointed at, or has the focus, is marked in the table, on the map and on the plot of its protocol.
  const point = (event) => {
    const item = event.target.closest?.("[data-method]");
    for (const each of results.querySelectorAll(".lit")) each.classList.remove("lit");
    if (!item || event.type === "focusout" || event.type === "pointerleave") return;
    const tier = item.closest("[data-tier]").dataset.tier;
    for (const each of item.closest(".panel")?.querySelectorAll("[data-method]") ?? []) {
      if (each.dataset.method === item.dataset.method && each.closest("[data-tier]").dataset.tier === tier) each.classList.add("lit");
    }
  };
  for (const kind of ["pointerover", "pointerleave", "focusin", "focusout"]) results.addEventListener(kind, point);
}
