// The spectra of a scene: unpacked as reports/scene/spectra.py has packed them, and drawn as reports/figures/spectrum_chart.py draws them.
async function unpacked(text) {
  const packed = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

// Of each pixel and band, by the number of its series; -1 is the truth.
async function decodeSpectra(explore, table) {
  const { truth, methods } = JSON.parse(explore.querySelector(".spectra-table").textContent), bands = table.at.length;
  const steps = await unpacked(truth.data), count = steps.length / 2, pixels = count / bands;
  const values = new Float32Array(count), decoded = new Map([["-1", values]]);
  for (let pixel = 0; pixel < pixels; pixel++)
    for (let band = 0, code = 0; band < bands; band++) {
      const at = band * pixels + pixel;
      code = (code + (steps[at] << 8) + steps[count + at]) & 65535;
      values[pixel * bands + band] = truth.low + ((truth.high - truth.low) * code) / 65535;
    }
  for (const { series, most, data } of methods) {
    const signs = await unpacked(data), own = new Float32Array(count);
    for (let pixel = 0; pixel < pixels; pixel++)
      for (let band = 0, code = 0; band < bands; band++) {
        code = (code + signs[band * pixels + pixel]) & 255;
        const sign = (code << 24) >> 24, at = pixel * bands + band;
        own[at] = values[at] + (Math.sign(sign) * most * sign ** 2) / 16129;
      }
    decoded.set(String(series), own);
  }
  return decoded;
}

function drawSpectra({ spectra, table, chart, explore }, row, col) {
  const bands = table.at.length, start = (row * table.cols.length + col) * bands;
  const spectrumOf = (series) => spectra.get(series).subarray(start, start + bands), truth = spectrumOf("-1");
  const plots = [[".values", (series) => spectrumOf(series)], [".residuals", (series) => spectrumOf(series).map((value, band) => value - truth[band])]];
  plots.forEach(([name, curveOf], which) => {
    const plot = chart.querySelector(name), [width, height, left, right, top, bottom] = table.boxes[which];
    const across = (at) => left + ((at - table.at[0]) / (table.at.at(-1) - table.at[0] || 1)) * (width - left - right);
    const lines = [...plot.querySelectorAll("g[data-series]")], shown = lines.filter((line) => !line.classList.contains("off"));
    const values = shown.flatMap((line) => [...curveOf(line.dataset.series)]);
    const [low, high, step] = roundEnds(Math.min(0, ...values), Math.max(0, ...values));
    const level = (value) => height - bottom - ((value - low) / (high - low)) * (height - top - bottom);
    const levels = plot.querySelector(".levels"), digits = Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
    const path = levels.querySelector("path"), text = levels.querySelector("text");
    const ticks = Array.from({ length: Math.round((high - low) / step) + 1 }, (_, k) => low + k * step);
    levels.replaceChildren(
      ...ticks.flatMap((tick) => {
        const [rule, words] = [path.cloneNode(), text.cloneNode()];
        rule.setAttribute("d", `M${left} ${level(tick).toFixed(1)}H${width - right}`);
        words.setAttribute("y", (level(tick) + 3.5).toFixed(1));
        words.textContent = tick.toFixed(digits).replace(/^-(0(\.0+)?)$/, "$1");
        return [rule, words];
      }),
    );
    for (const line of shown) {
      const d = Array.from(curveOf(line.dataset.series), (value, band) => `${band ? "L" : "M"}${across(table.at[band]).toFixed(1)} ${level(value).toFixed(1)}`);
      line.querySelector("path").setAttribute("d", d.join(""));
    }
    const names = [...plot.querySelectorAll("text.end:not(.off)")];
    const ends = spreadNames(names.map((each) => level(curveOf(each.dataset.series).at(-1))), top + 4, height - bottom);
    names.forEach((each, k) => each.setAttribute("y", (ends[k] + 3.5).toFixed(1)));
  });
  for (const item of explore.querySelectorAll(".here li")) item.querySelector(".score").textContent = pixelScore(spectrumOf(item.dataset.series), truth);
}

function roundEnds(low, high) {
  const rough = (high - low || 1) / 4, power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((base) => base * power).find((each) => each >= rough * (1 - 1e-9));
  const [first, last] = [Math.floor(low / step + 1e-9) * step, Math.ceil(high / step - 1e-9) * step];
  return [first, last > first ? last : first + step, step];
}

function spreadNames(levels, low, high, apart = 12.5) {
  const order = levels.map((_, place) => place).sort((a, b) => levels[a] - levels[b]);
  const step = Math.min(apart, (high - low) / Math.max(levels.length - 1, 1)), heights = Array(levels.length).fill(0);
  let above = low - step, below = high + step;
  for (const place of order) above = heights[place] = Math.max(levels[place], above + step, low);
  for (const place of order.reverse()) below = heights[place] = Math.min(heights[place], below - step);
  return heights;
}

function pixelScore(spectrum, truth) {
  let square = 0, product = 0, ours = 0, right = 0;
  spectrum.forEach((value, band) => {
    square += (value - truth[band]) ** 2;
    product += value * truth[band];
    ours += value ** 2;
    right += truth[band] ** 2;
  });
  const size = Math.sqrt(ours * right), angle = size > 0 ? (Math.acos(Math.min(Math.max(product / size, -1), 1)) * 180) / Math.PI : 0;
  return `RMSE ${Math.sqrt(square / truth.length).toFixed(4)}, ${angle.toFixed(1)}°`;
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
