/** Names that are safe in WGSL: neither keywords nor functions that kernels call. */

// WGSL, sections "Keyword Summary" and "Reserved Words", as far as a generated name could meet them.
const taken = new Set(
  `alias break case const const_assert continue continuing default diagnostic discard else enable false fn for if let
  loop override requires return struct switch true var while f16 f32 i32 u32 bool vec4 vec4f array workgroup uniform
  storage read write read_write function private sampler texture
  active as asm async auto await become catch class common concept constructor do dynamic export extends extern filter
  final finally from friend get global goto handle highp impl implements import in inline instance interface is layout
  lowp macro match meta mod module move mut mutable namespace new nil null of operator out package partial pass patch
  pixel precise precision premerge priv protected pub public ref register resource return self set shared sizeof smooth
  static std super target template this throw trait try type typedef union unless unorm use using varying virtual
  volatile with yield
  abs all any exp exp2 floor fma log log2 max min pow select sqrt bitcast subgroupBroadcast workgroupBarrier random
  threefry rotate uniforms texel textureLoad main`.split(/\s+/),
);

export const wgslName = (name: string): string => (taken.has(name) || name.startsWith("__") ? `${name}_` : name);
