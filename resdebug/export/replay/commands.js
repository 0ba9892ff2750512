// Every command once: keys, name, help. They are those of the debugger's screen.

const COMMANDS = [
  ["step('node')", "n →", "Step one node", "forward to the next completed adjoint", "Time", (app, s, k) => s.step("node", k ?? 1)],
  ["back('node')", "N ←", "Step back one node", "back by the same unit", "Time", (app, s, k) => s.back("node", k ?? 1)],
  ["step('edge')", "s", "Step one edge", "forward to the next contribution", "Time", (app, s, k) => s.step("edge", k ?? 1)],
  ["back('edge')", "S", "Step back one edge", "back by the same unit", "Time", (app, s, k) => s.back("edge", k ?? 1)],
  ["step('block')", "f", "Finish the block", "forward to the last event of the block", "Time", (app, s, k) => s.step("block", k ?? 1)],
  ["back('block')", "F", "Step back one block", "back by the same unit", "Time", (app, s, k) => s.back("block", k ?? 1)],
  ["resume(False)", "c", "Continue", "forward to the next stop, or fork if no stops are set", "Time", (app, s, k) => app.resume(false, k ?? 1)],
  ["resume(True)", "C", "Continue back", "back to the previous stop or fork", "Time", (app, s, k) => app.resume(true, k ?? 1)],
  ["jump_start", "g", "Go to the start", "the first event: nothing has happened; 7g is event 7", "Time", (app, s, k) => s.jump(k ?? 0)],
  ["jump_end", "G", "Go to the end", "the last event", "Time", (app, s, k) => s.jump(k ?? s.timeline.length)],
  ["to_selection", "t", "Run to the selection", "to where the selected adjoint is complete", "Time", (app, s) => app.toSelection()],
  ["play", "space", "Play", "step on and on, or stop doing so", "Time", (app) => app.play()],
  ["speed(2)", "+", "Play faster", "twice as many steps a second", "Time", (app) => app.faster(2)],
  ["speed(0.5)", "-", "Play slower", "half as many", "Time", (app) => app.faster(0.5)],
  ["move(1)", "j ↓", "Select the next row", "move the selection, not time", "Selection", (app, s, k) => s.moveSelection(k ?? 1)],
  ["move(-1)", "k ↑", "Select the previous row", "move the selection, not time", "Selection", (app, s, k) => s.moveSelection(-(k ?? 1))],
  ["follow", "escape", "Back to the cursor", "the selection follows time again; drops a count", "Selection", (app, s) => s.follow()],
  ["link(1)", "l", "Point at a neighbour", "the next input or consumer of the selected node", "Selection",
    (app, s, k) => (s.link = (s.link + (k ?? 1)) % Math.max(1, s.links().length))],
  ["follow_link", "enter", "Follow", "select the neighbour that is pointed at", "Selection",
    (app, s) => s.followLink() || app.tell(["this node has no neighbours"])],
  ["return", "backspace", "Return", "select the node that a neighbour was followed from", "Selection",
    (app, s) => (s.visited.length ? s.select(s.visited.pop()) : app.tell(["no neighbour was followed yet"]))],
  ["breakpoint", "b", "Stop here", "set or remove a stop on the selected node", "Selection", (app) => app.toggleStop()],
  ["search", "/", "Search", "find nodes by name or operator", "Selection", (app) => app.openSearch()],
  ["found(1)", ".", "Next match", "select the next node found", "Selection", (app) => app.nextFound(1)],
  ["found(-1)", ",", "Previous match", "select the previous node found", "Selection", (app) => app.nextFound(-1)],
  ["view(1)", "v", "Next tensor", "value, adjoint, each contribution", "Tensor", (app, s) => (s.view = s.shownView(s.views()) + 1)],
  ["view(-1)", "V", "Previous tensor", "the same, the other way round", "Tensor", (app, s) => (s.view = s.shownView(s.views()) - 1)],
  ["mode(1)", "h", "Another picture", "numbers, heat map, histogram, statistics", "Tensor", (app, s) => app.nextMode()],
  ["slice(1)", "]", "Next slice", "of a tensor of three or more axes", "Tensor", (app, s, k) => (s.slice += k ?? 1)],
  ["slice(-1)", "[", "Previous slice", "the other way round", "Tensor", (app, s, k) => (s.slice -= k ?? 1)],
  ["axes", "}", "Other axes", "another pair of axes as rows and columns", "Tensor", (app) => app.otherAxes()],
  ["point(1, 0)", "J shift+↓", "Element below", "its place and all its digits", "Tensor", (app, s, k) => app.point(k ?? 1, 0)],
  ["point(-1, 0)", "K shift+↑", "Element above", "the other way round", "Tensor", (app, s, k) => app.point(-(k ?? 1), 0)],
  ["point(0, 1)", "L shift+→", "Element to the right", "the next column", "Tensor", (app, s, k) => app.point(0, k ?? 1)],
  ["point(0, -1)", "H shift+←", "Element to the left", "the column before", "Tensor", (app, s, k) => app.point(0, -(k ?? 1))],
  ["beside", "|", "Side by side", "the value beside the adjoint or contribution", "Tensor", (app, s) => (s.beside = !s.beside)],
  ["lock_scale", "\\", "Lock the scale", "of the heat map: steps show change", "Tensor", (app) => app.lockScale()],
  ["fold", "z", "Fold or unfold", "the selection's block as one row; 2z the block around it", "View", (app, s, k) => app.tell(s.fold(k ?? 1))],
  ["fold_all", "Z", "Fold all blocks", "the inner blocks, then the outer ones, then unfold", "View", (app, s) => app.tell(s.foldAll())],
  ["order", "r", "Forward or reverse order", "from the target down, or from the inputs down", "View", (app, s) => (s.forwardOrder = !s.forwardOrder)],
  ["maximise", "m", "Maximise", "give the active pane the whole page, or take it back", "View", (app) => app.maximise()],
  ["widen(4)", ">", "Widen the graph", "and narrow the other panes", "View", (app, s, k) => app.widen(k ?? 1)],
  ["widen(-4)", "<", "Narrow the graph", "and widen the other panes", "View", (app, s, k) => app.widen(-(k ?? 1))],
  ["theme", "T", "Another theme", "as the system says, dark, light", "View", (app) => app.nextTheme()],
  ["leaves", "p", "Parameters", "show or tuck away parameters and constants", "View", (app, s) => (s.showLeaves = !s.showLeaves)],
  ["pane(1)", "tab", "Next pane", "the next pane or control has the focus; a pane that has it scrolls", "View", null],
  ["pane(-1)", "shift+tab", "Previous pane", "the other way round", "View", null],
  ["scroll(1)", "pagedown", "Scroll down", "the active pane; in the graph the selection moves", "View", (app, s, k) => app.scroll(k ?? 1)],
  ["scroll(-1)", "pageup", "Scroll up", "the active pane", "View", (app, s, k) => app.scroll(-(k ?? 1))],
  ["copy('csv')", "y", "Copy the numbers", "of the tensor's slice as CSV, to the clipboard", "Other", (app) => app.copyNumbers()],
  ["help", "?", "Help", "all keys, and the four answers", "Other", (app) => app.openHelp()],
].map(([action, keys, name, help, group, run]) => ({ action, keys: keys.split(" "), name, help, group, run }));

// Keys that the debugger has and a page cannot: it replays, it does not compute.
const ELSEWHERE = {
  ":": "the command line", D: "every rule", R: "the report", o: "where from", O: "why zero", w: "watch", e: "edit", E: "before and after",
  u: "undo", U: "redo", M: "bookmarks", "'": "bookmarks", x: "export", "=": "comparing", Y: "copying formulas", P: "pictures", q: "quitting",
};

const NAMED = {
  "→": "ArrowRight", "←": "ArrowLeft", "↓": "ArrowDown", "↑": "ArrowUp", space: " ", escape: "Escape", enter: "Enter",
  backspace: "Backspace", tab: "Tab", pagedown: "PageDown", pageup: "PageUp",
};

// What a key event is called here: a character as typed, or shift+→ for the arrows.
const BY_KEY = new Map(
  COMMANDS.flatMap((command) => command.keys.map((key) => {
    const shifted = key.startsWith("shift+");
    const plainKey = shifted ? key.slice(6) : key;
    return [`${shifted ? "shift+" : ""}${NAMED[plainKey] ?? plainKey}`, command];
  })),
);

function commandOf(event) {
  const arrow = event.key.startsWith("Arrow");
  return BY_KEY.get(event.shiftKey && (arrow || event.key === "Tab") ? `shift+${event.key}` : event.key);
}
