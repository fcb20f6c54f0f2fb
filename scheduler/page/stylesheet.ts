/** The icon of the page: three layers, of which one goes. */
export const icon = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16"><rect width="16" height="16" rx="3" fill="#1d5fbf"/><path d="M3 4.5h10M3 8h10" stroke="#fff" stroke-width="2"/><path d="M3 11.5h4" stroke="#fff" stroke-width="2" stroke-dasharray="1.5 1"/></svg>`;

/** The only stylesheet. Each colour is a pair for light and dark; texts have a contrast of 4.5 and more in both. */
export const stylesheet = `:root {
  color-scheme: light dark;
  --text: light-dark(#1b2430, #e3e8ef);
  --quiet: light-dark(#55606e, #a3afbd);
  --back: light-dark(#f6f7f9, #12161c);
  --card: light-dark(#ffffff, #1a2029);
  --edge: light-dark(#d5dae1, #333d4a);
  --link: light-dark(#1655b0, #83b4ff);
  --good: light-dark(#176b37, #6fd394);
  --good-back: light-dark(#e0f3e6, #17331f);
  --warn: light-dark(#7a4d00, #f0bd62);
  --warn-back: light-dark(#fcefd3, #3a2c10);
  --bad: light-dark(#a81c1c, #ff9a94);
  --bad-back: light-dark(#fce4e3, #431c1b);
  --calm: light-dark(#34495f, #b9c8d8);
  --calm-back: light-dark(#e6ebf1, #2a3542);
}
* { box-sizing: border-box; }
html { font: 16px/1.5 system-ui, sans-serif; color: var(--text); background: var(--back); }
body { margin: 0 auto; max-width: 76rem; padding: 0 1rem; }
a { color: var(--link); text-underline-offset: .15em; }
:focus-visible { outline: 3px solid var(--link); outline-offset: 2px; border-radius: 2px; }
main:focus { outline: none; }
.skip { position: absolute; left: -99rem; }
.skip:focus { left: 1rem; top: .5rem; background: var(--card); padding: .5rem; z-index: 1; }
header { display: flex; flex-wrap: wrap; align-items: baseline; gap: .25rem 1.5rem; padding: 1rem 0 .75rem; border-bottom: 1px solid var(--edge); }
header .brand { font-weight: 700; font-size: 1.15rem; color: var(--text); text-decoration: none; }
header nav a { margin-right: .75rem; padding: .25rem 0; display: inline-block; }
header .scope { margin: 0 0 0 auto; color: var(--quiet); font-size: .9rem; }
h1 { font-size: 1.5rem; line-height: 1.25; margin: 1.25rem 0 1rem; overflow-wrap: anywhere; }
h2 { font-size: 1.1rem; margin: 0 0 .75rem; }
h3 { font-size: 1rem; margin: 0; overflow-wrap: anywhere; }
section { background: var(--card); border: 1px solid var(--edge); border-radius: .5rem; padding: 1rem; margin: 0 0 1rem; }
section > :last-child { margin-bottom: 0; }
p { margin: 0 0 .75rem; max-width: 70ch; }
ul, ol { margin: 0 0 .75rem; padding-left: 1.25rem; }
code { font: .9em ui-monospace, monospace; overflow-wrap: anywhere; }
dl { display: flex; flex-wrap: wrap; gap: .5rem 2rem; margin: 0 0 1rem; }
dt { color: var(--quiet); font-size: .85rem; }
dd { margin: 0; overflow-wrap: anywhere; }
.scroll { overflow-x: auto; margin: 0 0 .75rem; }
table { border-collapse: collapse; width: 100%; font-size: .95rem; }
caption { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
th, td { text-align: left; vertical-align: top; padding: .4rem .75rem .4rem 0; border-top: 1px solid var(--edge); font-variant-numeric: tabular-nums; }
thead th { border-top: 0; color: var(--quiet); font-size: .85rem; font-weight: 600; white-space: nowrap; }
tbody th { font-weight: 400; overflow-wrap: anywhere; min-width: 8rem; }
tr > :last-child { padding-right: 0; }
td.number + td, th.number + th { padding-left: .75rem; }
td.number, thead th.number { text-align: right; white-space: nowrap; }
.message, .reference { overflow-wrap: anywhere; }
td .message { display: block; min-width: 12rem; max-width: 60ch; }
p.message { white-space: pre-line; }
.more { color: var(--quiet); }
.brief { display: none; }
.mark { display: inline-block; padding: 0 .5em; border-radius: 1em; font-size: .85rem; line-height: 1.5; margin-right: .25rem; white-space: nowrap; }
.mark.good { color: var(--good); background: var(--good-back); }
.mark.warn { color: var(--warn); background: var(--warn-back); }
.mark.bad { color: var(--bad); background: var(--bad-back); }
.mark.calm { color: var(--calm); background: var(--calm-back); }
.disk { display: flex; flex-wrap: wrap; align-items: center; gap: 0 .6rem; }
.disk .more { font-size: .85rem; }
.bar { width: 9rem; height: .7rem; flex: none; border-radius: .2rem; }
.bar .all { fill: var(--calm-back); }
.bar.good .used { fill: var(--good); }
.bar.warn .used { fill: var(--warn); }
.bar.bad .used { fill: var(--bad); }
.bar.plain .used { fill: var(--calm); }
.bar .line { fill: var(--text); stroke: var(--card); stroke-width: .4; }
.bar.stack { display: block; width: 100%; height: .8rem; margin: 0 0 .5rem; }
.stack .succeeded { fill: var(--good); }
.stack .failed { fill: var(--bad); }
.stack .active { fill: var(--link); }
.stack .skipped { fill: var(--warn); }
.stack .waiting { fill: var(--edge); }
.legend { display: flex; flex-wrap: wrap; gap: .25rem 1.25rem; list-style: none; padding: 0; }
.legend li::before { content: ""; display: inline-block; width: .7em; height: .7em; border-radius: .15em; margin-right: .4em; background: var(--edge); }
.legend .succeeded::before { background: var(--good); }
.legend .failed::before { background: var(--bad); }
.legend .active::before { background: var(--link); }
.legend .skipped::before { background: var(--warn); }
.waves .later { color: var(--quiet); }
.progress + .progress { margin-top: 1rem; padding-top: 1rem; border-top: 1px solid var(--edge); }
.progress :last-child { margin-bottom: 0; }
.trend { width: 5rem; height: 1.4rem; display: block; }
.trend .all { fill: var(--calm-back); }
.trend polyline { fill: none; stroke: var(--link); stroke-width: 1.5; stroke-linejoin: round; }
.causes { list-style: none; padding: 0; }
.causes li + li { border-top: 1px solid var(--edge); }
.causes summary { padding: .45rem 0; cursor: pointer; overflow-wrap: anywhere; }
.causes details > :not(summary) { margin-left: 1.1rem; }
.names { columns: 20rem; list-style: none; padding: 0; }
.names li { overflow-wrap: anywhere; border: 0 !important; break-inside: avoid; }
.filter { display: flex; flex-wrap: wrap; gap: .5rem; align-items: center; margin: 0 0 1rem; }
input, button { font: inherit; color: inherit; background: var(--card); border: 1px solid var(--quiet); border-radius: .3rem; padding: .3rem .6rem; min-height: 2.2rem; }
button { cursor: pointer; }
.pages { display: flex; gap: 1rem; color: var(--quiet); margin: 0 0 .75rem; }
footer { color: var(--quiet); font-size: .85rem; padding: .5rem 0 2rem; display: flex; flex-wrap: wrap; align-items: center; gap: .5rem 1.5rem; }
footer p { margin: 0; }
@media (max-width: 44rem) {
  body { padding: 0 .75rem; }
  section { padding: .75rem; }
  .minor { display: none; }
  .brief { display: inline; }
  tbody th .brief { display: block; }
  header .scope { margin-left: 0; width: 100%; }
  tbody th { min-width: 5.5rem; }
  .mark { white-space: normal; }
  th, td { padding-right: .5rem; font-size: .9rem; }
  td .message { min-width: 5rem; }
  .bar { width: 5.5rem; }
  .bar.stack { width: 100%; }
  .disk .more { display: none; }
}
@media (forced-colors: active) {
  .bar, .trend { forced-color-adjust: none; }
}
`;
