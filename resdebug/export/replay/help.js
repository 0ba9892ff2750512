// The help: the four answers, how to read the page, all keys.

const SIGNS = [
  [
    "● ◎ ⊕",
    "a node, a fork (a ring: its value is used more than once), a join; hollow while they wait, half while contributions arrive",
  ],
  ["▶ ✓ ■ ▸", "where time is; complete; a stop; a folded block"],
  [
    "│ ╮ ╯",
    "a lane beside the trunk is a skip; heavy while it carries an adjoint, dashed where a contribution has just travelled",
  ],
  ["Σ2 Σ1/2", "two contributions come here; one of two has arrived"],
  ["‖·‖", "Euclidean norm of a tensor; the share is that of a contribution's norm among all"],
  ["digits", "numbers are rounded to be read: point at one, with the mouse or J K H L, for all its digits"],
];

function fillHelp() {
  const told = [make("h2", {}, "Four answers")];
  told.push(
    make("dl", {}, ...ANSWERS.flatMap(([question, answer]) => [make("dt", {}, question), make("dd", {}, answer)])),
  );
  told.push(make("h2", {}, "How to read it"));
  told.push(
    make(
      "dl",
      { class: "keys" },
      ...SIGNS.flatMap(([sign, meaning]) => [make("dt", {}, sign), make("dd", {}, meaning)]),
    ),
  );
  for (const group of ["Time", "Selection", "Tensor", "View", "Other"]) {
    told.push(make("h2", {}, group));
    const rows = COMMANDS.filter((command) => command.group === group).flatMap((command) => [
      make("dt", {}, ...command.keys.flatMap((key, k) => [k ? " " : "", make("kbd", {}, key)])),
      make("dd", {}, make("b", {}, command.name), `: ${command.help}`),
    ]);
    told.push(make("dl", { class: "keys" }, ...rows));
  }
  told.push(
    line(
      "dim",
      "A number before a key repeats it: 10n steps ten nodes. The mouse works too: click a row, a neighbour, the timeline, a number.",
    ),
  );
  told.push(line("dim", "The address ends in the event's number: a link to this moment."));
  byId("help-body").replaceChildren(...told);
}
