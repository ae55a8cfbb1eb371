// Draws what the tables of this page say. A plot has no numbers of its own, so it cannot differ from them.
"use strict";

const language = document.documentElement.dataset.locale;
const style = getComputedStyle(document.documentElement);
const ink = (name) => style.getPropertyValue(name).trim();

function columnOf(table, name) {
  const heads = [...table.querySelectorAll("thead th")];
  return heads.findIndex((head) => head.dataset.name === name || head.dataset.name.startsWith(`${name}_`));
}

function valuesOf(table, index) {
  return [...table.querySelectorAll("tbody tr")].map((row) => {
    const value = row.children[index].dataset.value;
    return value === "" ? null : Number(value);
  });
}

function textsOf(table, index) {
  return [...table.querySelectorAll("tbody tr")].map((row) => row.children[index].textContent.trim());
}

function daysOf(table) {
  return [...table.querySelectorAll("tbody tr")].map((row) => Date.parse(row.children[0].dataset.value) / 1000);
}

function fitting(plot, holder, height) {
  new ResizeObserver(() => plot.setSize({ width: holder.clientWidth, height })).observe(holder);
}

function spark(holder, table) {
  const index = columnOf(table, holder.dataset.column);
  if (index < 0) return;
  const height = 40;
  const options = {
    width: holder.clientWidth,
    height,
    legend: { show: false },
    cursor: { show: false },
    axes: [{ show: false }, { show: false }],
    scales: { x: { time: false } },
    series: [{}, { stroke: ink("--leaf"), width: 2, points: { show: false } }],
  };
  fitting(new uPlot(options, [daysOf(table), valuesOf(table, index)], holder), holder, height);
}

function plot(holder, table) {
  const index = columnOf(table, holder.dataset.column);
  const before = columnOf(table, holder.dataset.before);
  if (index < 0) return;
  const height = 260;
  const heads = table.querySelectorAll("thead th");
  const texts = [textsOf(table, 0), textsOf(table, index), textsOf(table, before)];
  const said = (which) => (_plot, _value, _series, at) => (at === null ? "" : texts[which][at]);
  const short = new Intl.DateTimeFormat(language, { day: "numeric", month: "short", timeZone: "UTC" });
  const axis = { stroke: ink("--soft"), grid: { stroke: ink("--line"), width: 1 }, ticks: { show: false } };
  const options = {
    width: holder.clientWidth,
    height,
    tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), "UTC"),
    axes: [
      { ...axis, values: (_plot, days) => days.map((day) => short.format(day * 1000)) },
      { ...axis, size: 64, values: (_plot, values) => values.map((value) => value.toLocaleString(language)) },
    ],
    scales: { y: { range: (_plot, least, most) => [Math.min(0, least ?? 0), Math.max(1, (most ?? 0) * 1.1)] } },
    series: [
      { label: heads[0].textContent, value: said(0) },
      { label: heads[index].textContent, value: said(1), stroke: ink("--leaf"), width: 2, points: { show: false } },
      {
        label: heads[before].textContent,
        value: said(2),
        stroke: ink("--soft"),
        width: 1,
        dash: [4, 4],
        points: { show: false },
      },
    ],
  };
  fitting(new uPlot(options, [daysOf(table), valuesOf(table, index), valuesOf(table, before)], holder), holder, height);
}

const series = document.getElementById("series");
if (series !== null) {
  for (const holder of document.querySelectorAll(".spark")) spark(holder, series);
  for (const holder of document.querySelectorAll(".plot")) plot(holder, series);
}
