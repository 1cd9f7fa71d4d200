  // The tile of invocation or workgroup `id`: ROWS rows from `row` on, COLS vec4s from `col4` on.
  let queryPad = (dims.queries + 63u) / 64u * 64u;
  let keys = dims.firstQuery + dims.queries;
  let keyPad4 = (keys + 63u) / 64u * 16u;
  //#if SCORES
  let across = keyPad4 / {{COLS}}u;
  //#else
  let across = (dims.width4 + {{COLS - 1}}u) / {{COLS}}u;
  //#end
  //#if SPREAD
  let down = keyPad4 / {{ROWS / 4}}u;
  //#else
  let down = queryPad / {{ROWS}}u;
  //#end
  let block = id / (across * down);
  if (block >= dims.heads * dims.sequences) { return; }
  let row = id / across % down * {{ROWS}}u;
  let col4 = id % across * {{COLS}}u;
  let head = block / dims.sequences;
  let start = (dims.firstSequence + block % dims.sequences) * dims.length;
  let own = block * queryPad * keyPad4;
  let firstRow = start + dims.firstQuery;
  let left = dims.sideFirst + head * dims.sideHead;
  let other = dims.rightFirst + head * dims.rightHead;
