// Copies of tables as CSV, LaTeX and Markdown, as they are shown; charts as SVG and PNG. Made when asked for, without any request.
{
  const shownCells = (row) => [...row.cells].filter((cell) => getComputedStyle(cell).display !== "none");
  const text = (cell) => {
    const copy = cell.cloneNode(true);
    for (const each of copy.querySelectorAll("svg, .spread, .mark, .about, .why, .learned, .way, .star, thead small")) each.remove();
    return copy.textContent.replace(/\s+/g, " ").trim();
  };
  const head = (cell) => {
    const unit = cell.querySelector("small")?.textContent.split(", ").pop().trim() ?? "";
    const name = text(cell.querySelector("span") ?? cell);
    return /^(dB|deg|s|MB|ms)$/.test(unit) ? `${name} (${unit})` : name;
  };
  const rowsOf = (table) => [
    shownCells(table.tHead.rows[0]).map(head),
    ...[...table.tBodies].filter((body) => body.checkVisibility()).flatMap((body) => [...body.rows])
      .filter((row) => !row.hidden && !row.classList.contains("tier")).map((row) => shownCells(row).map(text)),
  ];
  const quote = (value) => {
    const safe = /^[=+\-@\t\r]/.test(value) && Number.isNaN(Number(value)) ? `'${value}` : value; // no formula for a spreadsheet
    return /[",\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
  };
  const signs = { "\\": "\\textbackslash{}", "~": "\\textasciitilde{}", "^": "\\textasciicircum{}", "–": "--", "±": "$\\pm$", "×": "$\\times$", "∞": "$\\infty$", "−": "$-$" };
  const latex = (value) => value.replace(/[\\~^–±×∞−]|[&%$#_{}]/g, (sign) => signs[sign] ?? `\\${sign}`);
  const markdown = (value) => value.replace(/[\\`*_{}[\]|#<>~]/g, (sign) => `\\${sign}`);
  const formats = {
    CSV: (rows) => rows.map((row) => row.map(quote).join(",")).join("\n") + "\n",
    LaTeX: (rows) => {
      const [heads, ...rest] = rows.map((row) => row.map(latex).join(" & ") + " \\\\");
      return `\\begin{tabular}{${"l".repeat(rows[0].length)}}\n\\toprule\n${heads}\n\\midrule\n${rest.join("\n")}\n\\bottomrule\n\\end{tabular}\n`;
    },
    Markdown: (rows) => {
      const lines = rows.map((row) => `| ${row.map(markdown).join(" | ")} |`);
      lines.splice(1, 0, `|${" --- |".repeat(rows[0].length)}`);
      return lines.join("\n") + "\n";
    },
  };

  // The clipboard, where the browser lets us; else the old way; else the text itself, to be copied by hand.
  async function copy(content, place) {
    const answer = place.querySelector("[role=status]");
    place.querySelector("textarea")?.remove();
    try {
      await navigator.clipboard.writeText(content);
      answer.textContent = "copied";
      return;
    } catch { /* not allowed here: the next way */ }
    const area = document.createElement("textarea");
    area.value = content;
    area.readOnly = true;
    area.setAttribute("aria-label", "The text to copy");
    place.append(area);
    area.select();
    const done = document.execCommand("copy");
    answer.textContent = done ? "copied" : "press Ctrl+C to copy this text";
    if (done) area.remove();
  }

  // A chart with the colours that it has on the page, as a file of its own; the names of its lines below it, where they stand beside it here.
  const LOOKS = ["fill", "fill-opacity", "stroke", "stroke-width", "stroke-dasharray", "opacity", "font-size", "font-family", "font-style", "font-weight", "text-anchor", "color", "paint-order", "display"];
  const create = (kind, values, text = "") => {
    const item = document.createElementNS("http://www.w3.org/2000/svg", kind);
    Object.entries(values).forEach(([name, value]) => item.setAttribute(name, value));
    item.textContent = text;
    return item;
  };
  const dressed = (item) => {
    const copied = item.cloneNode(true), from = [item, ...item.querySelectorAll("*")], to = [copied, ...copied.querySelectorAll("*")];
    from.forEach((each, place) => {
      const look = getComputedStyle(each);
      to[place].setAttribute("style", LOOKS.map((name) => `${name}:${look.getPropertyValue(name)}`).join(";"));
    });
    return copied;
  };
  const names = (svg) => [...(svg.closest(".charts")?.parentElement.querySelectorAll(":scope > .legend li") ?? [])].filter((each) => each.checkVisibility());
  function alone(svg) {
    const copied = dressed(svg), box = svg.viewBox.baseVal, below = names(svg), line = 16, height = box.height + line * below.length;
    copied.prepend(create("rect", { x: box.x, y: box.y, width: box.width, height, fill: getComputedStyle(document.body).backgroundColor }));
    below.forEach((each, row) => {
      const middle = box.y + box.height + line * (row + 0.5), at = box.x + 40, ink = getComputedStyle(each).color;
      const stroke = dressed(each.querySelector(".key path"));
      stroke.setAttribute("transform", `translate(${at - 32} ${middle - 4})`);
      copied.append(stroke, create("text", { x: at, y: middle + 4, fill: ink, "font-size": 11, "font-family": "sans-serif" }, each.textContent.trim()));
    });
    Object.entries({ xmlns: "http://www.w3.org/2000/svg", width: box.width, height, viewBox: `${box.x} ${box.y} ${box.width} ${height}` })
      .forEach(([name, value]) => copied.setAttribute(name, value));
    return { source: new XMLSerializer().serializeToString(copied), width: box.width, height };
  }
  function save(address, name) {
    const link = document.createElement("a");
    link.href = address;
    link.download = name;
    link.click();
  }
  const savers = {
    SVG: (svg, name) => save(`data:image/svg+xml;charset=utf-8,${encodeURIComponent(alone(svg).source)}`, `${name}.svg`),
    PNG: (svg, name) => {
      const { source, width, height } = alone(svg), image = new Image(), scale = 3;
      image.onload = () => {
        const canvas = document.createElement("canvas");
        canvas.width = width * scale;
        canvas.height = height * scale;
        canvas.getContext("2d").drawImage(image, 0, 0, canvas.width, canvas.height);
        save(canvas.toDataURL("image/png"), `${name}.png`);
      };
      image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(source)}`;
    },
  };

  function offer(after, word, name, choices) {
    const place = document.createElement("details"), summary = document.createElement("summary"), answer = document.createElement("span");
    answer.setAttribute("role", "status");
    place.className = "take";
    summary.textContent = word;
    summary.setAttribute("aria-label", `${word}: ${name}`);
    place.append(summary);
    for (const [kind, act] of choices) {
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = kind;
      button.addEventListener("click", () => act(place));
      place.append(button);
    }
    place.append(answer);
    after.after(place);
  }
  for (const table of document.querySelectorAll("main table")) {
    if (!table.tHead || table.matches(".facts")) continue;
    const name = table.caption?.textContent || table.closest("[aria-label]")?.getAttribute("aria-label") || "table";
    const make = (kind) => [kind, (place) => copy(formats[kind](rowsOf(table)), place)];
    offer(table.closest(".scroll") ?? table, "Copy this table", name, Object.keys(formats).map(make));
  }
  for (const svg of document.querySelectorAll("#results figure svg.chart, #scenes figure svg.chart, #statistics figure > svg, section:not(#scenes) figure.plot > svg")) {
    if (svg.parentElement.querySelector(".take")) continue;
    const name = svg.getAttribute("aria-label") || svg.closest("figure").querySelector("figcaption")?.textContent || "chart";
    const scene = svg.closest("article.scene")?.dataset, parts = [scene?.scene, scene?.protocol, name.replace(`, on ${scene?.scene}`, "")].filter(Boolean);
    const file = parts.map((part) => part.toLowerCase().replace(/[^a-z0-9]+/g, "-").replace(/^-|-$/g, "").slice(0, 60)).join("-");
    offer(svg, "Save this chart", name, Object.entries(savers).map(([kind, act]) => [kind, () => act(svg, file)]));
  }
}
