/* Draw every chart of the office from the JSON beside it, by the theme's Chart.js.

   <canvas data-chart="ID"> reads <script type="application/json" id="ID">:
   { kind: "bar" | "line", labels: [...], decimals: n, unit: "", low: where lines begin (or absent), ends: true | false (values written at the bars),
     series: [{ label, values: [number | null], colour: "--tl-..." | ["--tl-...", ...] }] } */
(() => {
  "use strict";

  const drawn = new Map();
  const style = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const resolve = (name) => {
    const probe = document.createElement("span");
    probe.style.color = `var(${name})`;
    document.body.append(probe);
    const colour = getComputedStyle(probe).color;
    probe.remove();
    return colour;
  };
  const colour = (name) => (Array.isArray(name) ? name.map(resolve) : resolve(name));
  const format = (value, decimals) =>
    value.toLocaleString("en", { minimumFractionDigits: decimals, maximumFractionDigits: decimals }).replace("-", "\u2212");
  const short = (value) =>
    value.toLocaleString("en", { notation: "compact", maximumFractionDigits: 1 }).replace("-", "\u2212");

  /* Name the lines at their ends, and the bars of a single series at their tops. */
  const direct = {
    id: "direct",
    afterDatasetsDraw(chart) {
      const { ctx, data } = chart;
      ctx.save();
      ctx.font = `500 12px ${getComputedStyle(document.body).fontFamily}`;
      const named = [];  // heights that bear a name already: a name that would cover one is moved up
      data.datasets.forEach((series, number) => {
        const points = chart.getDatasetMeta(number).data;
        if (chart.config.type === "line") {
          const last = series.data.findLastIndex((value) => value !== null);
          if (last < 0) return;
          ctx.fillStyle = series.borderColor;
          ctx.textBaseline = "middle";
          let height = points[last].y;
          while (named.some((other) => Math.abs(other - height) < 14)) height -= 14;
          named.push(height);
          ctx.fillText(`${series.label} ${format(series.data[last], chart.options.decimals)}`, points[last].x + 8, height);
        } else if (chart.options.ends) {
          ctx.fillStyle = chart.options.color;
          ctx.textAlign = "center";
          ctx.textBaseline = "bottom";
          points.forEach((point, place) => {
            if (series.data[place] !== null) ctx.fillText(format(series.data[place], chart.options.decimals) + chart.options.unit, point.x, point.y - 4);
          });
        }
      });
      ctx.restore();
    },
  };

  const dataset = (series, kind) => {
    const tint = colour(series.colour);
    const common = { label: series.label, data: series.values, backgroundColor: tint, borderColor: tint };
    if (kind === "line") return { ...common, borderWidth: 2, pointRadius: series.values.length > 20 ? 0 : 3, tension: 0, spanGaps: false, clip: false };
    return { ...common, maxBarThickness: 56, categoryPercentage: 0.86, barPercentage: 0.94, borderRadius: 2, stack: "one" };
  };

  const draw = (canvas) => {
    const source = document.getElementById(canvas.dataset.chart);
    if (!source) return;
    const spec = JSON.parse(source.textContent);
    const text = resolve("--tl-soft");
    const line = resolve("--tl-line");
    drawn.get(canvas)?.destroy();
    drawn.set(canvas, new Chart(canvas, {
      type: spec.kind,
      data: { labels: spec.labels, datasets: spec.series.map((series) => dataset(series, spec.kind)) },
      plugins: [direct],
      options: {
        animation: false,
        responsive: true,
        maintainAspectRatio: false,
        color: resolve("--tl-strong"),
        decimals: spec.decimals,
        unit: spec.unit,
        ends: spec.ends,
        interaction: { mode: "index", intersect: false },
        layout: { padding: { top: 18, right: spec.kind === "line" ? 128 : 4 } },
        scales: {
          x: { stacked: spec.kind === "bar", grid: { display: false }, border: { color: line }, ticks: { color: text, maxRotation: 0, autoSkip: true, autoSkipPadding: 16 } },
          y: { stacked: spec.kind === "bar", beginAtZero: spec.kind === "bar", min: spec.low, grace: "5%", grid: { color: line }, border: { display: false }, ticks: { color: text, maxTicksLimit: 6, callback: (value) => short(value) + spec.unit } },
        },
        plugins: {
          legend: { display: false },
          tooltip: {
            callbacks: {
              label: (item) => ` ${item.dataset.label}: ${format(item.raw, spec.decimals)}${spec.unit}`,
            },
          },
        },
      },
    }));
  };

  const drawAll = () => {
    if (style("--tl-series-1")) document.querySelectorAll("canvas[data-chart]").forEach(draw);
  };

  window.addEventListener("load", () => {
    drawAll();
    new MutationObserver(drawAll).observe(document.documentElement, { attributes: true, attributeFilter: ["class"] });
  });
})();
