/**
 * How a tensor lies in a texture of rgba32float: four elements a texel, in the order of memory, rows of `texelsPerRow`.
 * Texel i is at (i mod texelsPerRow, i div texelsPerRow), so any texture that is no smaller serves a tensor.
 */

/** WebGPU's default of maxTextureDimension2D: every adapter has it, and no kernel needs more. */
export const texelsPerRow = 8192;
const mostRows = 8192;

export const elementsPerTexel = 4;
export const texelBytes = 16;

/** WebGPU's default of maxStorageTexturesPerShaderStage. */
export const texturesPerKernel = 4;

/** Of a GPU texture, in texels. */
export interface TextureExtent {
  readonly width: number;
  readonly height: number;
}

/** The smallest texture that holds so many elements. */
export function textureExtent(elements: number): TextureExtent {
  const texels = Math.ceil(elements / elementsPerTexel);
  return { width: Math.min(texels, texelsPerRow), height: Math.ceil(texels / texelsPerRow) };
}

export const textureBytes = ({ width, height }: TextureExtent): number => width * height * texelBytes;

/** Whether a tensor of so many elements can be in a texture at all. */
export const fitsTexture = (elements: number): boolean =>
  elements > 0 && elements % elementsPerTexel === 0 && elements <= texelsPerRow * mostRows * elementsPerTexel;
