/** Copies in textures -> GPU textures: those that do not live together share one. */
import { type TextureExtent, textureExtent } from "../../runtime/program/texture.ts";
import type { PlanTexture } from "../ir/plan.ts";
import { elementCount } from "../ir/types.ts";

type Copy = Omit<PlanTexture, "gpuTexture">;

/**
 * Largest first, each into the first GPU texture that is free over its life: all there are so far are large enough,
 * since a tensor lies the same way in any.
 */
export function shareTextures(copies: readonly Copy[]): {
  readonly textures: readonly PlanTexture[];
  readonly gpuTextures: readonly TextureExtent[];
} {
  const gpuTextures: TextureExtent[] = [];
  const textures: PlanTexture[] = [];
  for (const copy of [...copies].sort((a, b) => b.size - a.size || a.start - b.start)) {
    const busy = new Set(
      textures.filter((t) => t.start < copy.end && copy.start < t.end).map(({ gpuTexture }) => gpuTexture),
    );
    let gpuTexture = gpuTextures.findIndex((_, g) => !busy.has(g));
    if (gpuTexture < 0) gpuTexture = gpuTextures.push(textureExtent(elementCount(copy.value.type.shape))) - 1;
    textures.push({ ...copy, gpuTexture });
  }
  return { textures: textures.sort((a, b) => a.start - b.start || a.gpuTexture - b.gpuTexture), gpuTextures };
}
