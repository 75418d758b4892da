// The filter: rows, pictures, lines and cards by name, knowledge, learning and family; sections by protocol and scene; columns of tables.
{
  const form = document.querySelector("form.filter"), answer = form.querySelector("output");
  const cards = new Map([...document.querySelectorAll(".card")].map((card) => [nameOf(card), card.dataset]));
  const boxes = [...form.querySelectorAll("input[type=checkbox]")];

  function nameOf(item) {
    return item.dataset.method + "\n" + (item.dataset.tier ?? item.closest("[data-tier]").dataset.tier);
  }

  function apply() {
    const wanted = form.elements.method.value.trim().toLowerCase();
    const left = {}; // the unticked values of each kind
    for (const box of boxes) (left[box.name] ??= new Set()), box.checked || left[box.name].add(box.value);
    const out = (kind, value) => value !== undefined && left[kind] !== undefined && left[kind].has(value);
    const fitting = new Set(), all = new Set();
    for (const item of document.querySelectorAll("[data-method]")) {
      const name = nameOf(item), [method] = name.split("\n");
      const facts = ["told", "learns", "family"].some((kind) => out(kind, cards.get(name)?.[kind]));
      const fits = method.toLowerCase().includes(wanted) && !facts;
      item.toggleAttribute("hidden", !fits || out("protocol", item.dataset.protocol) || out("scene", item.dataset.scene));
      all.add(name);
      if (fits) fitting.add(name);
    }
    for (const part of document.querySelectorAll("article[data-protocol], div[data-protocol], li[data-protocol]")) part.hidden = out("protocol", part.dataset.protocol);
    for (const part of document.querySelectorAll("article[data-scene]")) part.hidden = out("scene", part.dataset.scene);
    for (const cell of document.querySelectorAll("[data-column]")) cell.hidden = out("column", cell.dataset.column);
    for (const body of document.querySelectorAll("tbody[data-tier], tbody.below")) body.hidden = ![...body.rows].some((row) => row.dataset.method && !row.hidden);
    for (const menu of form.querySelectorAll(".menu")) {
      const choices = [...menu.querySelectorAll("input")], on = choices.filter((box) => box.checked).length;
      menu.querySelector(".chosen").textContent = on === choices.length ? "" : `${on} of ${choices.length}`;
    }
    answer.textContent = fitting.size === all.size ? "" : `${fitting.size} of ${all.size} methods`;
  }

  const unfold = form.querySelector(".unfold"); // on a phone, where the leaderboard comes first
  unfold.addEventListener("click", () => unfold.setAttribute("aria-expanded", String(form.classList.toggle("open"))));
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("input", apply);
  form.addEventListener("click", (event) => {
    if (event.target.type === "reset") {  // at once: the reset event comes before the fields have changed
      event.preventDefault();
      form.reset();
      return apply();
    }
    const button = event.target.closest("[data-all], [data-none]");
    if (!button) return;
    for (const box of button.closest(".menu").querySelectorAll("input")) box.checked = button.dataset.all !== undefined;
    apply();
  });
  const close = (except) => form.querySelectorAll(".menu[open]").forEach((menu) => menu === except || (menu.open = false));
  document.addEventListener("click", (event) => close(event.target.closest(".menu")));
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    const menu = form.querySelector(".menu[open]");
    close();
    if (menu && menu.contains(document.activeElement)) menu.querySelector("summary").focus();
  });

  // What a link leads to stops below the filter where that stays at the top of the window, and below the edge where it does not.
  const room = () => {
    const sticky = getComputedStyle(form).position === "sticky";
    document.documentElement.style.scrollPaddingTop = sticky ? `${form.offsetHeight + 8}px` : "";
  };
  new ResizeObserver(room).observe(form);
  room();
}
