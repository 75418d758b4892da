// The staircase of the accuracy-time plot joins the methods that are shown: it is drawn again when the filter takes one away.
for (const plot of document.querySelectorAll("svg.bubbles")) {
  const front = plot.querySelector(".front"), bubbles = [...plot.querySelectorAll(".bubble")];
  const redraw = () => {
    const steps = [];
    const shown = bubbles.filter((each) => !each.hasAttribute("hidden")).map((each) => ({ each, cost: +each.dataset.cost, merit: +each.dataset.merit }));
    shown.sort((a, b) => a.cost - b.cost || b.merit - a.merit);
    for (const { each, merit } of shown) if (!steps.length || merit > +steps.at(-1).dataset.merit) steps.push(each);
    for (const each of bubbles) each.classList.toggle("best", steps.includes(each));
    const rights = [...steps.slice(1).map((each) => each.dataset.x), front.dataset.right];
    const path = steps.map((each, k) => `V${each.dataset.y}H${rights[k]}`).join("");
    front.setAttribute("d", steps.length ? `M${steps[0].dataset.x} ${front.dataset.bottom}${path}` : "");
  };
  new MutationObserver(redraw).observe(plot, { subtree: true, attributes: true, attributeFilter: ["hidden"] });
}
