// Index of this invocation in a grid that was folded over y.
fn linearId(wid: vec3u, nwg: vec3u, local: u32, size: u32) -> u32 {
  return (wid.y * nwg.x + wid.x) * size + local;
}
