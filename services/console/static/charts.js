// <line-chart data-days data-series>: days on the x axis; the same numbers are in a table beside it.
const DAY = 86400; // seconds

// Days without events are not sent: they count as zero.
function fill(days, series) {
  for (let index = 1; index < days.length; index++) {
    if (days[index] - days[index - 1] <= DAY) continue;
    days.splice(index, 0, days[index - 1] + DAY);
    for (const one of series) one.values.splice(index, 0, 0);
  }
}

class LineChart extends HTMLElement {
  connectedCallback() {
    if (!window.uPlot) return;
    const days = JSON.parse(this.dataset.days).map((day) => Date.parse(day + "T00:00:00Z") / 1000);
    const series = JSON.parse(this.dataset.series);
    if (this.dataset.gaps === "zero") fill(days, series);
    const style = getComputedStyle(document.documentElement); // changes with the colour scheme of the device
    const colour = (name) => style.getPropertyValue(name).trim();
    const axisNow = () => ({ stroke: colour("--muted"), grid: { stroke: colour("--line"), width: 1 }, ticks: { stroke: colour("--line"), width: 1 }, font: "12px " + style.fontFamily });
    const language = document.documentElement.lang;
    const day = new Intl.DateTimeFormat(language, { day: "numeric", month: "short", timeZone: "UTC" });
    const number = new Intl.NumberFormat(language);
    const draw = () => {
      const axis = axisNow();
      this.plot?.destroy();
      this.plot = new uPlot({
        width: Math.max(this.clientWidth, 240), height: 220, tzDate: (seconds) => new Date(seconds * 1000),
        scales: { x: { time: true, range: (plot, low, high) => days.length === 1 ? [days[0] - 3 * DAY, days[0] + 3 * DAY] : [low, high] }, y: { range: (plot, low, high) => [0, Math.max(high, 4)] } },
        series: [{ label: this.dataset.axis, value: (plot, value) => value == null ? "" : day.format(value * 1000) }, ...series.map((one, index) => ({ label: one.name, stroke: colour("--series-" + (index + 1)), width: 2, points: { show: days.length < 32 }, value: (plot, value) => value == null ? "" : number.format(value) }))],
        axes: [{ ...axis, incrs: [1, 2, 7, 14, 30, 61, 91, 182, 365].map((number) => number * DAY), values: (plot, ticks) => ticks.map((tick) => day.format(tick * 1000)) }, { ...axis, values: (plot, ticks) => ticks.map((tick) => Number.isInteger(tick) ? number.format(tick) : "") }],
      }, [days, ...series.map((one) => one.values)], this);
    };
    draw();
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => { if (this.plot) draw(); });
    new ResizeObserver(() => { if (this.plot && Math.abs(this.plot.width - this.clientWidth) > 2) draw(); }).observe(this);
  }
  disconnectedCallback() { this.plot?.destroy(); this.plot = null; }
}
if (window.uPlot) customElements.define("line-chart", LineChart);
else addEventListener("load", () => customElements.define("line-chart", LineChart));
