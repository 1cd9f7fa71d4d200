// The sum of what the eight threads of a row hold, in one order with and without subgroups.
//#if SUBGROUPS
fn sumEight(value: f32, local: u32) -> f32 {
  let two = value + subgroupShuffleXor(value, 1u);
  let four = two + subgroupShuffleXor(two, 2u);
  return four + subgroupShuffleXor(four, 4u);
}
//#else
var<workgroup> held: array<f32, 64>;

fn sumEight(value: f32, local: u32) -> f32 {
  workgroupBarrier();
  held[local] = value;
  workgroupBarrier();
  let at = local & 0x38u;
  let low = (held[at] + held[at + 1u]) + (held[at + 2u] + held[at + 3u]);
  return low + ((held[at + 4u] + held[at + 5u]) + (held[at + 6u] + held[at + 7u]));
}
//#end
