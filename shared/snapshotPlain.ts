/** A snapshot as one file that any tool opens, for use elsewhere: exact maps by layer, and its pictures. */
import { joinedMaps } from './attentionSnapshot';
import { parseSafetensors, serializeSafetensors } from './safetensors';
import { snapshotDescription } from './snapshotFile';

/**
 * The plain form of a snapshot of any form, with its pictures. A file of version 0.1 keeps its names.
 * @param bytes the safetensors file, not compressed
 * @throws SafetensorsError when the bytes are not a snapshot
 */
export function plainSnapshot(bytes: Uint8Array, picturesFile: Uint8Array | null): Uint8Array {
  const { tensors, metadata } = parseSafetensors(bytes);
  const pictures = picturesFile ? [...parseSafetensors(picturesFile).tensors] : [];
  const { headroom, pictures: _named, ...rest } = metadata;
  if (headroom === undefined) return serializeSafetensors([...tensors, ...pictures], picturesFile ? rest : metadata);
  const description = snapshotDescription.parse(JSON.parse(headroom));
  if (picturesFile) delete description.pictures?.file;
  const maps = joinedMaps(tensors, description.layers, description.examples.length);
  const others = [...tensors].filter(([name]) => !/^(high|low)\.\d+$/.test(name));
  return serializeSafetensors([...maps, ...others, ...pictures], { ...rest, headroom: JSON.stringify(description) });
}
