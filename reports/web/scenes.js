// A scene's picture with the line between truth and method, and the chart of spectra of the pixel chosen in it.
for (const explore of document.querySelectorAll(".explore")) {
  const scene = explore.closest(".scene"), stage = explore.querySelector(".stage"), slider = explore.querySelector(".slider");
  const select = explore.querySelector("select"), chart = explore.querySelector(".spectrum svg");
  const table = JSON.parse(explore.querySelector(".grid-table").textContent);
  const answer = explore.querySelector("output");
  let spectra; // decoded when first needed
  let row = table.rows.length >> 1, col = table.cols.length >> 1;

  // --- the picture ---
  const add = (kind, name, parent = stage) => {
    const element = document.createElement(kind);
    element.className = name;
    parent.append(element);
    return element;
  };
  const truth = add("img", "under"), method = add("img", "over");
  add("i", "cut");
  const cross = add("i", "cross"), left = add("span", "tag"), right = add("span", "tag");
  const baseline = stage.dataset.baseline;
  left.textContent = baseline;
  const source = scene.querySelector("img.truth");
  truth.src = source.src;
  truth.alt = method.alt = "";
  stage.style.aspectRatio = `${table.width} / ${table.height}`;
  if (table.width <= 128) for (const image of [truth, method]) image.classList.add("small");

  function view() {
    const figure = scene.querySelector(`.estimates figure[data-series="${select.value}"]`);
    const kind = explore.querySelector(".controls input:checked").value;
    const image = figure.querySelector(`img.${kind}`) ?? figure.querySelector("img.errors") ?? figure.querySelector("img.colour");
    method.src = image.src;
    const endings = { colour: "", errors: ", error", std: ", posterior std" };
    right.textContent = figure.dataset.method + endings[image.classList[0]];
  }
  function cut() {
    stage.style.setProperty("--cut", `${slider.value}%`);
    slider.setAttribute("aria-valuetext", `${baseline} on the left ${slider.value} percent`);
  }
  const share = (event) => {
    const box = stage.getBoundingClientRect();
    return [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height, box.width];
  };
  let dragging = false;
  stage.addEventListener("pointerdown", (event) => {
    const [x, , width] = share(event);
    dragging = Math.abs(x - slider.value / 100) * width < 12;
    if (dragging) stage.setPointerCapture(event.pointerId);
  });
  stage.addEventListener("pointermove", (event) => {
    if (!dragging) return;
    slider.value = 100 * share(event)[0];
    cut();
  });
  stage.addEventListener("click", (event) => {
    if (dragging) return void (dragging = false);
    const [x, y] = share(event);
    pick(nearest(table.rows, y * table.height - 0.5), nearest(table.cols, x * table.width - 0.5));
  });
  stage.addEventListener("pointercancel", () => (dragging = false));
  stage.addEventListener("keydown", (event) => {
    const [down, across] = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[event.key] ?? [0, 0];
    if (!down && !across) return;
    event.preventDefault();
    const inside = (place, places) => Math.min(Math.max(place, 0), places.length - 1);
    pick(inside(row + down, table.rows), inside(col + across, table.cols));
  });
  slider.addEventListener("input", cut);
  explore.querySelector(".controls").addEventListener("input", view);
  scene.querySelector(".estimates").addEventListener("click", (event) => {
    const figure = event.target.closest("figure");
    if (!event.target.closest(".two img") || !figure) return;
    select.value = figure.dataset.series;
    view();
    explore.scrollIntoView({ block: "nearest" });
  });

  // --- the spectra ---
  const nearest = (places, wanted) => places.reduce((best, place, k) => (Math.abs(place - wanted) < Math.abs(places[best] - wanted) ? k : best), 0);
  const bytes = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  function decode() {
    const packed = JSON.parse(explore.querySelector(".spectra-table").textContent);
    const { low, high, data } = packed.truth, codes = new DataView(bytes(data).buffer);
    const values = Float32Array.from({ length: codes.byteLength / 2 }, (_, k) => low + ((high - low) * codes.getUint16(2 * k, true)) / 65535);
    const decoded = new Map([["-1", values]]);
    for (const { series, most, data } of packed.methods) {
      const signs = new Int8Array(bytes(data).buffer);
      decoded.set(String(series), values.map((value, k) => value + (Math.sign(signs[k]) * most * signs[k] ** 2) / 16129));
    }
    return decoded;
  }
  function pick(newRow, newCol) {
    [row, col] = [newRow, newCol];
    mark();
    draw();
    const where = `Row ${table.rows[row]}, column ${table.cols[col]}`;
    answer.textContent = where;
    chart.setAttribute("aria-label", `Spectra at ${where.toLowerCase()}: the ${baseline} and the chosen methods`);
  }
  function mark() {
    cross.style.left = `${(100 * (table.cols[col] + 0.5)) / table.width}%`;
    cross.style.top = `${(100 * (table.rows[row] + 0.5)) / table.height}%`;
  }
  const [width, height, leftEdge, rightEdge, top, bottom] = table.box;
  const across = (at) => leftEdge + ((at - table.at[0]) / (table.at.at(-1) - table.at[0] || 1)) * (width - leftEdge - rightEdge);
  function draw() {
    spectra ??= decode();
    const bands = table.at.length, start = (row * table.cols.length + col) * bands;
    const lines = [...chart.querySelectorAll("g[data-series]")];
    const spectrumOf = (line) => spectra.get(line.dataset.series).subarray(start, start + bands);
    const values = lines.filter((line) => !line.classList.contains("off")).flatMap((line) => [...spectrumOf(line)]);
    let low = Math.min(0, ...values), high = Math.max(...values);
    const rough = (high - low || 1) / 4, power = 10 ** Math.floor(Math.log10(rough));
    const step = [1, 2, 5, 10].map((base) => base * power).find((each) => each >= rough * (1 - 1e-9));
    [low, high] = [Math.floor(low / step + 1e-9) * step, Math.ceil(high / step - 1e-9) * step];
    if (high <= low) high = low + step;
    const level = (value) => height - bottom - ((value - low) / (high - low)) * (height - top - bottom);
    const levels = chart.querySelector(".levels"), digits = Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
    const path = levels.querySelector("path"), text = levels.querySelector("text");
    const ticks = Array.from({ length: Math.round((high - low) / step) + 1 }, (_, k) => low + k * step);
    levels.replaceChildren(
      ...ticks.flatMap((tick) => {
        const [rule, words] = [path.cloneNode(), text.cloneNode()];
        rule.setAttribute("d", `M${leftEdge} ${level(tick).toFixed(1)}H${width - rightEdge}`);
        words.setAttribute("y", (level(tick) + 3.5).toFixed(1));
        words.textContent = tick.toFixed(digits);
        return [rule, words];
      }),
    );
    for (const line of lines) {
      const d = Array.from(spectrumOf(line), (value, band) => `${band ? "L" : "M"}${across(table.at[band]).toFixed(1)} ${level(value).toFixed(1)}`);
      line.querySelector("path").setAttribute("d", d.join(""));
    }
  }
  explore.querySelector(".spectrum").addEventListener("input", (event) => {
    const box = event.target;
    chart.querySelector(`g[data-series="${box.value}"]`).classList.toggle("off", !box.checked);
    box.closest("li").classList.toggle("unchosen", !box.checked);
    draw();
  });
  cut();
  mark();
  view();
}

// A line stands out while its name in the legend is pointed at or has the focus.
for (const legend of document.querySelectorAll(".legend")) {
  const home = legend.closest(".spectrum, details, article");
  const focus = (item, on) => {
    for (const svg of home.querySelectorAll(".chart:not(.bubbles)")) {
      svg.classList.toggle("focused", on);
      for (const line of svg.querySelectorAll("[data-series]")) line.classList.toggle("focus", on && line.dataset.series === item.dataset.series);
    }
  };
  for (const item of legend.querySelectorAll("[data-series]")) {
    for (const [name, on] of [["pointerenter", true], ["pointerleave", false], ["focusin", true], ["focusout", false]]) item.addEventListener(name, () => focus(item, on));
  }
}
