// The panel of scenes: one scene under one protocol at a time, two pictures of it side by side or over one another, and the chart of the
// spectra at the chosen pixel. The stage is one element, which moves into the chosen scene and keeps what it shows.
{
  const section = document.getElementById("scenes"), articles = [...section.querySelectorAll("article.scene")];
  const box = section.querySelector(".stage-box"), stage = box.querySelector(".stage"), slider = box.querySelector(".slider");
  const panes = [...stage.querySelectorAll(".pane")], selects = [...box.querySelectorAll("select")];
  const place = box.querySelector(".place"), magnifier = box.querySelector(".use-loupe");
  for (const frame of stage.querySelectorAll(".layer, .loupe")) {
    const image = document.createElement("img");
    image.alt = "";
    frame.prepend(image);
  }
  for (const part of stage.querySelectorAll(".bar, .loupe")) part.hidden = true;
  box.hidden = true;
  const clamp = (value, low, high) => Math.min(Math.max(value, low), high);
  const nearest = (places, wanted) => places.reduce((best, each, k) => (Math.abs(each - wanted) < Math.abs(places[best] - wanted) ? k : best), 0);
  const state = { zoom: 1, x: 0, y: 0, row: 0, col: 0, looked: null }; // x, y: the corner of what is seen, as a share of the picture
  let now; // the chosen article, with its tables

  // --- which scene ---
  const fields = { protocol: section.querySelector(".pick-protocol"), scene: section.querySelector(".pick-scene") };
  const shownOf = (article) => article.querySelector(".inputs img")?.src ?? "";
  if (fields.scene) {
    for (const scene of new Set(articles.map((article) => article.dataset.scene))) {
      const label = document.createElement("label"), radio = document.createElement("input"), image = document.createElement("img");
      label.dataset.scene = scene;
      Object.assign(radio, { type: "radio", name: "scene-scene", value: scene });
      image.alt = "";
      image.src = shownOf(articles.find((article) => article.dataset.scene === scene && shownOf(article)) ?? articles[0]);
      const words = document.createElement("span");
      words.append(...scene.split(/(?<=[_/])/).flatMap((part) => [part, document.createElement("wbr")])); // a long name breaks there
      label.append(radio, image, words);
      fields.scene.append(label);
    }
    for (const radio of fields.scene.querySelectorAll("input")) radio.checked = radio.value === articles[0]?.dataset.scene;
  }
  const chosenOf = (kind) => fields[kind]?.querySelector("input:checked")?.value ?? articles[0]?.dataset[kind];
  const find = (protocol, scene) => articles.find((each) => each.dataset.protocol === protocol && each.dataset.scene === scene);
  for (const field of Object.values(fields)) field?.addEventListener("change", (event) => {
    const [protocol, scene] = [chosenOf("protocol"), chosenOf("scene")];
    const first = event.target.name === "scene-protocol" ? articles.find((each) => each.dataset.protocol === protocol && !each.hidden) : articles.find((each) => each.dataset.scene === scene && !each.hidden);
    choose(find(protocol, scene) ?? first);
  });

  function choose(article) {
    if (!article || article === now?.article) return;
    for (const each of articles) {
      each.classList.toggle("away", each !== article);
      if (each === article) each.querySelector(".scene-fold").open = true;
    }
    for (const kind of ["protocol", "scene"])
      for (const radio of fields[kind]?.querySelectorAll("input") ?? []) radio.checked = radio.value === article.dataset[kind];
    const explore = article.querySelector(".explore");
    now = { article, explore };
    box.hidden = !explore;
    if (!explore) return;
    now.table = JSON.parse(explore.querySelector(".grid-table").textContent);
    now.chart = explore.querySelector(".spectrum svg");
    now.baseline = explore.dataset.baseline;
    explore.prepend(box);
    stage.style.setProperty("--shape", `${now.table.width} / ${now.table.height}`);
    const kept = selects.map((select) => select.value);
    fill();
    selects.forEach((select, side) => {
      select.value = kept[side];
      if (!select.value) select.value = explore.dataset[side ? "firstB" : "firstA"];
      if (!select.value) select.selectedIndex = 0;
    });
    [state.row, state.col] = [now.table.rows.length >> 1, now.table.cols.length >> 1];
    zoomTo(1, 0.5, 0.5);
    show();
    mark();
  }
  // A scene or a protocol that the filter takes away is not the chosen one.
  const watch = new MutationObserver(() => {
    for (const kind of ["protocol", "scene"])
      for (const label of fields[kind]?.querySelectorAll("label") ?? [])
        label.hidden = articles.filter((each) => each.dataset[kind] === label.dataset[kind]).every((each) => each.hidden);
    const left = articles.filter((each) => !each.hidden);
    if (now?.article.hidden && left.length) choose(left[0]);
  });
  for (const article of articles) watch.observe(article, { attributes: true, attributeFilter: ["hidden"] }); // of it alone, nothing inside
  const follow = () => choose(document.getElementById(decodeURIComponent(location.hash.slice(1)))?.closest("article.scene"));
  addEventListener("hashchange", follow);

  // --- what A and B show ---
  const KINDS = [["input", "Inputs and truth", ""], ["colour", "Methods", ""], ["errors", "Error", "error of "], ["angles", "Spectral angle", "angle of "], ["std", "Posterior", "posterior of "]];
  const pictures = () => [...now.article.querySelectorAll("[data-shows]")].filter((image) => !image.classList.contains("zoom"));
  const nameOf = (image) => image.dataset.name ?? image.closest("figure").dataset.method;
  function fill() {
    const groups = KINDS.map(([kind, title, before]) => [title, pictures().filter((image) => image.classList.contains(kind)), before]).filter(([, found]) => found.length);
    for (const select of selects)
      select.replaceChildren(
        ...groups.map(([title, found, before]) => {
          const group = document.createElement("optgroup");
          group.label = title;
          group.append(...found.map((image) => new Option(before + nameOf(image), image.dataset.shows)));
          return group;
        }),
      );
  }
  function show() {
    panes.forEach((pane, side) => {
      const select = selects[side], image = now.article.querySelector(`[data-shows="${select.value}"]`);
      if (!image) return;
      const drawn = pane.querySelector("img"), bar = pane.querySelector(".bar");
      drawn.src = image.src;
      pane.querySelector(".loupe img").src = image.src;
      pane.querySelector(".tag").textContent = `${"AB"[side]} · ${select.selectedOptions[0].text}`;
      const kind = image.classList[0] === "std" ? "errors" : image.classList[0], scale = now.article.querySelector(`.scale[data-scale="${kind}"]`);
      bar.hidden = !scale;
      if (scale) {
        bar.querySelector("i").style.backgroundImage = scale.querySelector(".ramp").style.backgroundImage;
        bar.querySelector("b").replaceChildren(...scale.querySelector(".ticks").cloneNode(true).childNodes);
      }
    });
    for (const figure of now.article.querySelectorAll(".estimates figure"))
      for (const button of figure.querySelectorAll("[data-to]"))
        button.setAttribute("aria-pressed", String(selects[button.dataset.to === "b" ? 1 : 0].value.split("-")[1] === figure.dataset.series && !selects[button.dataset.to === "b" ? 1 : 0].value.startsWith("input")));
  }
  for (const select of selects) select.addEventListener("input", show);
  section.addEventListener("click", (event) => {
    const figure = event.target.closest(".estimates figure, .inputs figure"), button = event.target.closest("[data-to]");
    const image = event.target.closest("img[data-shows]") ?? (button && figure.querySelector(".colour"));
    if (!figure || !image || image.classList.contains("zoom")) return;
    selects[button?.dataset.to === "a" ? 0 : 1].value = image.dataset.shows;
    show();
    if (!button) box.scrollIntoView({ block: "nearest" });
  });

  // --- zoom, slider and magnifier ---
  const over = () => stage.classList.contains("over");
  function zoomTo(zoom, x, y) {
    state.zoom = clamp(zoom, 1, 32);
    const seen = 1 / state.zoom;
    state.x = clamp(x - seen / 2, 0, 1 - seen);
    state.y = clamp(y - seen / 2, 0, 1 - seen);
    stage.style.setProperty("--zoom", state.zoom);
    stage.style.setProperty("--x", `${-100 * state.x * state.zoom}%`);
    stage.style.setProperty("--y", `${-100 * state.y * state.zoom}%`);
    stage.classList.toggle("zoomed", state.zoom > 1);
    pixels();
  }
  // Once a pixel of the picture is larger than one of the screen, it is drawn as a square.
  function pixels() {
    for (const pane of panes) {
      const image = pane.querySelector("img");
      image.classList.toggle("squares", pane.clientWidth * state.zoom >= (image.naturalWidth || 1e9));
    }
  }
  for (const pane of panes) pane.querySelector("img").addEventListener("load", pixels);
  const middle = () => [state.x + 0.5 / state.zoom, state.y + 0.5 / state.zoom];
  box.querySelector(".zooms").addEventListener("click", (event) => {
    const way = event.target.dataset.zoom;
    if (way === "whole") zoomTo(1, 0.5, 0.5);
    else if (way) zoomTo(state.zoom * (way === "in" ? 2 : 0.5), ...(state.zoom === 1 ? chosenSpot() : middle()));
  });
  const chosenSpot = () => [(now.table.cols[state.col] + 0.5) / now.table.width, (now.table.rows[state.row] + 0.5) / now.table.height];
  function cut() {
    stage.style.setProperty("--cut", `${slider.value}%`);
    slider.setAttribute("aria-valuetext", `A on the left ${slider.value} percent`);
  }
  slider.addEventListener("input", cut);
  function mode(name) {
    stage.classList.toggle("over", name === "over");
    slider.hidden = name !== "over";
    for (const radio of box.querySelectorAll('[name="stage-mode"]')) radio.checked = radio.value === name;
    pixels();
  }
  box.querySelector(".stage-tools").addEventListener("change", (event) => event.target.name === "stage-mode" && mode(event.target.value));
  const spot = (event) => {
    const pane = over() ? panes[0] : event.target.closest(".pane") ?? panes[0], frame = pane.getBoundingClientRect();
    const [x, y] = [(event.clientX - frame.left) / frame.width, (event.clientY - frame.top) / frame.height];
    return { x: state.x + x / state.zoom, y: state.y + y / state.zoom, across: x, wide: frame.width, high: frame.height };
  };
  let held; // where the pointer went down, and whether it moves the slider or the picture
  stage.addEventListener("pointerdown", (event) => {
    const at = spot(event), onCut = over() && Math.abs(at.across - slider.value / 100) * at.wide < 12;
    held = { at, from: [...middle()], cutting: onCut, moved: false, screen: [event.clientX, event.clientY] };
    if (onCut || state.zoom > 1) stage.setPointerCapture(event.pointerId);
  });
  stage.addEventListener("pointermove", (event) => {
    if (held) {
      const [dx, dy] = [event.clientX - held.screen[0], event.clientY - held.screen[1]];
      held.moved ||= Math.hypot(dx, dy) > 4;
      if (held.cutting) {
        const frame = panes[0].getBoundingClientRect();
        slider.value = (100 * (event.clientX - frame.left)) / frame.width;
        cut();
      } else if (held.moved && state.zoom > 1) zoomTo(state.zoom, held.from[0] - dx / held.at.wide / state.zoom, held.from[1] - dy / held.at.high / state.zoom);
    }
    if (event.pointerType === "mouse") look(spot(event));
  });
  const release = () => (held = undefined);
  stage.addEventListener("pointerup", (event) => {
    const was = held;
    release();
    if (!was || was.moved || was.cutting) return;
    const at = spot(event);
    pick(nearest(now.table.rows, at.y * now.table.height - 0.5), nearest(now.table.cols, at.x * now.table.width - 0.5));
  });
  stage.addEventListener("pointercancel", release);
  stage.addEventListener("pointerleave", () => look(null));
  stage.addEventListener("dblclick", (event) => zoomTo(state.zoom * 2, spot(event).x, spot(event).y));
  stage.addEventListener("wheel", (event) => {
    if (!event.ctrlKey) return; // the page scrolls; a pinch on a pad comes with ctrlKey
    event.preventDefault();
    zoomTo(state.zoom * (event.deltaY < 0 ? 1.25 : 0.8), spot(event).x, spot(event).y);
  }, { passive: false });
  const SEEN = 13; // pixels of the scene along each side of the magnifier
  function look(at) {
    state.looked = at;
    const [x, y] = at ? [at.x, at.y] : now?.table ? chosenSpot() : [0.5, 0.5];
    for (const pane of panes) {
      const loupe = pane.querySelector(".loupe");
      loupe.hidden = !magnifier.checked;
      if (loupe.hidden || !now?.table) continue;
      const side = loupe.clientWidth, [wide, high] = [(side * now.table.width) / SEEN, (side * now.table.height) / SEEN];
      const [left, top] = [side / 2 - x * wide, side / 2 - y * high];
      Object.assign(loupe.firstChild.style, { width: `${wide}px`, height: `${high}px`, left: `${left}px`, top: `${top}px` });
      loupe.classList.toggle("left", at !== null && at.across > 0.55);
    }
  }
  magnifier.addEventListener("change", () => look(state.looked));

  // --- the chosen pixel and its spectra ---
  stage.addEventListener("keydown", (event) => {
    const { rows, cols } = now.table;
    const [down, across] = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[event.key] ?? [0, 0];
    const step = { "[": -1, "]": 1 }[event.key], zoom = { "+": 2, "=": 2, "-": 0.5 }[event.key];
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (down || across) pick(clamp(state.row + down, 0, rows.length - 1), clamp(state.col + across, 0, cols.length - 1));
    else if (zoom) zoomTo(state.zoom * zoom, ...chosenSpot());
    else if (event.key === "0") zoomTo(1, 0.5, 0.5);
    else if (event.key.toLowerCase() === "l") magnifier.click();
    else if (step) {
      const [kind] = selects[1].value.split("-"), alike = [...selects[1].options].filter((option) => option.value.startsWith(`${kind}-`));
      const at = alike.findIndex((option) => option.value === selects[1].value);
      selects[1].value = alike[(at + step + alike.length) % alike.length].value;
      show();
    } else return;
    event.preventDefault();
  });
  function mark() {
    const [x, y] = chosenSpot();
    for (const cross of stage.querySelectorAll(".cross")) Object.assign(cross.style, { left: `${100 * x}%`, top: `${100 * y}%` });
    place.textContent = `row ${now.table.rows[state.row]}, column ${now.table.cols[state.col]}`;
    look(state.looked);
  }
  async function pick(row, col) {
    [state.row, state.col] = [row, col];
    mark();
    if (state.zoom > 1) {
      const [x, y] = chosenSpot(), seen = 1 / state.zoom;
      if (x < state.x || x > state.x + seen || y < state.y || y > state.y + seen) zoomTo(state.zoom, x, y);
    }
    await redraw();
  }
  async function redraw() {
    const chosen = now;
    chosen.spectra ??= await decodeSpectra(chosen.explore, chosen.table);
    if (chosen !== now) return;
    drawSpectra(chosen, state.row, state.col);
    const where = `Row ${chosen.table.rows[state.row]}, column ${chosen.table.cols[state.col]}`;
    chosen.explore.querySelector(".spectrum output").textContent = where;
    chosen.chart.setAttribute("aria-label", `Spectra at ${where.toLowerCase()}: the ${chosen.baseline} and the chosen methods`);
  }
  section.addEventListener("input", (event) => {
    const item = event.target.closest(".here li");
    if (!item || event.target.type !== "checkbox") return;
    item.classList.toggle("unchosen", !event.target.checked);
    now.chart.querySelectorAll(`[data-series="${event.target.value}"]`).forEach((part) => part.classList.toggle("off", !event.target.checked));
    redraw();
  });

  cut();
  mode(matchMedia("(max-width: 40rem)").matches ? "over" : "beside");
  magnifier.checked = matchMedia("(hover: hover) and (min-width: 40rem)").matches;
  choose(articles[0]);
  follow();
  new ResizeObserver(pixels).observe(stage);
}
