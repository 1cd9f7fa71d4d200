// What a script adds to the report: filter, order, keys and quick tooltips. The page reads well without it.
(() => {
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const one = (selector) => document.querySelector(selector);
  const filter = one("#filter"), sort = one("#sort"), count = one("#count");
  const list = one(".cards"), index = one(".index ol"), nothing = one("#nothing");

  // Filter and order of cards.
  const cards = all(".card").map((card) => ({
    card,
    link: one(`.index li[data-for="${card.dataset.latent}"]`),
    text: all(".contexts li, .tok", card).map((e) =>
      all(".l, .r", e).map((s) => s.textContent).join("") || e.textContent
    ).join("\n").toLowerCase(),
  }));

  function applyFilter() {
    const wanted = filter.value.trim().toLowerCase();
    const number = wanted.match(/^#(\d*)$/);
    let shown = 0;
    for (const { card, link, text } of cards) {
      const match = number
        ? card.dataset.latent.startsWith(number[1])
        : text.includes(wanted) || card.dataset.latent === wanted;
      card.hidden = link.hidden = !match;
      if (match) shown++;
    }
    nothing.hidden = shown > 0;
    count.textContent = shown === cards.length
      ? `${shown} latents`
      : `${shown} of ${cards.length} latents`;
  }

  function applySort() {
    const down = sort.value.startsWith("-") ? -1 : 1;
    const key = sort.value.replace("-", "");
    const value = (entry) => Number(entry.card.dataset[key]) || 0;
    cards.sort((a, b) =>
      down * (value(a) - value(b)) || a.card.dataset.order - b.card.dataset.order
    );
    list.append(...cards.map((entry) => entry.card));
    index.append(...cards.map((entry) => entry.link));
  }

  // A link to a card that the filter hides shows all cards again.
  function revealTarget() {
    const target = location.hash.length > 1 && document.getElementById(location.hash.slice(1));
    if (target && target.hidden) {
      filter.value = "";
      applyFilter();
      target.scrollIntoView();
    }
  }

  function step(by) {
    const shown = cards.filter((entry) => !entry.card.hidden).map((entry) => entry.card);
    const line = one(".sections").offsetHeight + 24;
    let here = shown.indexOf(document.activeElement.closest(".card"));
    if (here < 0) {
      const below = shown.findIndex((card) => card.getBoundingClientRect().bottom > line);
      here = below < 0 ? shown.length : below - (by > 0 ? 1 : 0);
    }
    const next = shown[Math.min(shown.length - 1, Math.max(0, here + by))];
    if (!next) return;
    next.focus({ preventScroll: true });
    next.scrollIntoView();
  }

  if (filter) {
    for (const element of all(".js")) element.hidden = false;
    filter.form.addEventListener("submit", (event) => event.preventDefault());
    filter.addEventListener("input", applyFilter);
    sort.addEventListener("change", applySort);
    addEventListener("hashchange", revealTarget);
    document.addEventListener("keydown", (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      if (event.target === filter && event.key === "Escape") {
        filter.value = "";
        applyFilter();
        filter.blur();
      }
      if (event.target.matches("input[type=search], select")) return;
      if (event.key === "/") {
        event.preventDefault();
        filter.focus();
      } else if (event.key === "j") step(1);
      else if (event.key === "k") step(-1);
    });
    // A browser may bring back what was typed before a reload.
    if (filter.value) applyFilter();
    if (sort.selectedIndex > 0) applySort();
  }

  // Tooltips: the same words as `title`, at once and also for what has the keyboard's focus.
  const tip = document.createElement("div");
  tip.className = "tip";
  tip.setAttribute("role", "tooltip");
  tip.hidden = true;
  document.body.append(tip);
  let owner = null;

  function figure(value) {
    return Number(Number(value).toPrecision(4)).toLocaleString("en-US", {
      maximumSignificantDigits: 4,
    });
  }

  function wordsOf(element, event) {
    if (element.matches(".line-chart")) return lineWords(element, event);
    if (element.matches(".mini")) return miniWords(element, event);
    if (element.matches(".bin")) {
      // The child would also make the browser's own, slower tooltip.
      const title = element.querySelector("title");
      if (title) {
        element.dataset.tip = title.textContent;
        title.remove();
      }
    } else if (element.title) {
      element.dataset.tip = element.title;
      element.setAttribute("aria-description", element.title);
      element.removeAttribute("title");
    }
    const words = element.dataset.tip;
    const largest = Number(element.closest(".card")?.dataset.max);
    if (!element.matches("mark") || !(largest > 0) || !(Number(words) > 0)) return words;
    return `${words}, ${Math.round(100 * Number(words) / largest)} % of the largest`;
  }

  // Where the pointer is in units of a chart's view box.
  function viewX(svg, event) {
    const box = svg.getBoundingClientRect();
    return (event.clientX - box.left) / box.width * svg.viewBox.baseVal.width;
  }

  function lineWords(svg, event) {
    const [x0, x1, p0, p1, y0, y1, q0, q1] = svg.dataset.frame.split(" ").map(Number);
    const wanted = x0 + (viewX(svg, event) - p0) / (p1 - p0) * (x1 - x0);
    let best = null;
    for (const pair of svg.dataset.points.split(" ")) {
      const [x, y] = pair.split(",").map(Number);
      if (!best || Math.abs(x - wanted) < Math.abs(best.x - wanted)) best = { x, y };
    }
    if (!best) return "";
    const scale = (v, lo, hi) => (v - lo) / (hi - lo || 1);
    const height = "log" in svg.dataset
      ? scale(Math.log(best.y), Math.log(y0), Math.log(y1))
      : scale(best.y, y0, y1);
    let cursor = svg.querySelector(".cursor");
    if (!cursor) {
      cursor = document.createElementNS("http://www.w3.org/2000/svg", "circle");
      cursor.setAttribute("class", "cursor");
      cursor.setAttribute("r", "4");
      svg.append(cursor);
    }
    cursor.setAttribute("cx", p0 + scale(best.x, x0, x1) * (p1 - p0));
    cursor.setAttribute("cy", q0 + height * (q1 - q0));
    return `${figure(best.y)} at ${Math.round(best.x).toLocaleString("en-US")} tokens`;
  }

  function miniWords(svg, event) {
    const edges = svg.dataset.edges.split(" ").map(Number);
    const counts = svg.dataset.counts.split(" ");
    const share = viewX(svg, event) / svg.viewBox.baseVal.width;
    const value = edges[0] + share * (edges.at(-1) - edges[0]);
    let bin = edges.findIndex((edge) => edge > value) - 1;
    if (bin < 0) bin = value < edges[0] ? 0 : counts.length - 1;
    const times = `${Number(counts[bin]).toLocaleString("en-US")} tokens`;
    return `${figure(edges[bin])} to ${figure(edges[bin + 1])}: ${times}`;
  }

  function hide() {
    tip.hidden = true;
    if (owner?.matches(".line-chart")) owner.querySelector(".cursor")?.remove();
    owner = null;
  }

  function show(element, event, x, y) {
    const words = wordsOf(element, event);
    if (owner !== element) hide();
    if (!words) return;
    owner = element;
    tip.textContent = words;
    tip.hidden = false;
    const left = Math.min(innerWidth - tip.offsetWidth - 8, Math.max(8, x - tip.offsetWidth / 2));
    const above = y - tip.offsetHeight - 12;
    tip.style.left = `${left}px`;
    tip.style.top = `${above < 4 ? y + 20 : above}px`;
  }

  const selector = "[title], [data-tip], .line-chart, .mini, .bin";
  document.addEventListener("pointermove", (event) => {
    const element = event.target.closest?.(selector);
    if (element) show(element, event, event.clientX, event.clientY);
    else if (owner) hide();
  });
  document.addEventListener("focusin", (event) => {
    const element = event.target.closest?.("[title], [data-tip]");
    if (!element || !element.matches(":focus-visible")) return;
    const box = element.getBoundingClientRect();
    show(element, event, box.left + Math.min(box.width / 2, 120), box.top);
  });
  document.addEventListener("focusout", hide);
  document.addEventListener("pointerleave", hide);
  addEventListener("scroll", hide, { passive: true });
})();
