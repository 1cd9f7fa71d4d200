// Where vec4 number i lies in a texture of rows of 1024 texels.
fn texelOf(i: u32) -> vec2u {
  return vec2u(i & 1023u, i >> 10u);
}
