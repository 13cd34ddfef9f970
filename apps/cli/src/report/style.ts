/** Colours of a report and of its figures: light and dark by the reader's preference. */
export const colors = `
:root {
  color-scheme: light dark;
  --page: #f6f7f9; --card: #ffffff; --ink: #1b1f24; --muted: #5b6470; --rule: #dfe3e8;
  --series-1: #2563eb; --series-2: #c2570c; --series-3: #0f8a5f; --series-4: #a21caf; --series-5: #0e7490; --series-6: #b91c1c;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #101317; --card: #181c22; --ink: #e6e9ed; --muted: #9aa4b1; --rule: #2c333c;
    --series-1: #7aa7ff; --series-2: #fb9a52; --series-3: #4ccf9b; --series-4: #e07bf0; --series-5: #52c7dd; --series-6: #ff8080;
  }
}`;

/** The style sheet of a report; no fonts or files from elsewhere. */
export const style = `${colors}
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--ink); font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; }
main { max-width: 940px; margin: 0 auto; padding: 32px 16px 64px; }
h1 { font-size: 26px; line-height: 1.25; margin: 0; overflow-wrap: anywhere; }
h2 { font-size: 17px; margin: 0 0 2px; }
p { margin: 0; }
.muted { color: var(--muted); }
.failed { color: var(--series-6); font-weight: 600; margin-top: 8px; }
section { background: var(--card); border: 1px solid var(--rule); border-radius: 10px; padding: 18px 20px; margin-top: 18px; }
section > .muted { font-size: 13px; margin-bottom: 8px; }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(140px, 1fr)); gap: 12px; margin-top: 20px; }
.tile { background: var(--card); border: 1px solid var(--rule); border-radius: 10px; padding: 12px 14px; }
.tile .value { font-size: 22px; font-weight: 600; font-variant-numeric: tabular-nums; }
.tile .name { font-size: 13px; color: var(--muted); }
.legend { display: flex; flex-wrap: wrap; gap: 4px 18px; font-size: 13px; margin: 6px 0 2px; }
.legend span::before { content: ""; display: inline-block; width: 18px; height: 3px; border-radius: 2px; vertical-align: 4px; margin-right: 7px; background: var(--key); }
figure { margin: 0; }
figure svg { display: block; width: 100%; height: auto; color: var(--muted); }
.scroll { overflow-x: auto; margin-top: 6px; }
table { border-collapse: collapse; width: 100%; font-size: 14px; font-variant-numeric: tabular-nums; }
th, td { padding: 6px 10px; border-bottom: 1px solid var(--rule); text-align: left; vertical-align: top; }
tbody tr:last-child > * { border-bottom: 0; }
thead th { color: var(--muted); font-weight: 500; }
tbody th { font-weight: 500; }
tr > :first-child { padding-left: 0; }
tr > :last-child { padding-right: 0; }
table.data td, table.data thead th:not(:first-child) { text-align: right; white-space: nowrap; }
table.definition th { width: 40%; color: var(--muted); }
.pair { display: grid; grid-template-columns: repeat(auto-fit, minmax(300px, 1fr)); gap: 18px; margin-top: 18px; }
.pair section { margin-top: 0; min-width: 0; }
details { font-size: 13px; margin-top: 12px; }
details > summary { cursor: pointer; }
details > p { margin-top: 8px; overflow-wrap: anywhere; }
footer { margin-top: 24px; font-size: 13px; color: var(--muted); }
@media (max-width: 480px) {
  main { padding: 24px 12px 48px; }
  section { padding: 14px; }
  table { font-size: 13px; }
  th, td { padding: 6px; }
  figure { overflow-x: auto; }
  figure svg { min-width: 640px; }
}
`;
