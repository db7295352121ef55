/** Prepared pictures as `npm run data:features -- --images DIR` writes them, but tiny: noise in four classes, with features that separate the classes. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { serializeSafetensors } from '~/shared/safetensors';
import { hashOf } from '~/trainer/base/hash';
import { recordBytes } from '~/trainer/data/binary';
import { binaryFile, featuresFile, type PicturesFile, partNames, picturesFolder } from '~/trainer/data/prepared';
import { RandomStream } from '~/trainer/nn/random';

const classes = 4;
const width = 8;
const perClass = { train: 40, test: 10 };

export function writePictures(dataFolder: string): void {
  const folder = picturesFolder('folder', dataFolder);
  mkdirSync(folder, { recursive: true });
  const facts = {} as Pick<PicturesFile, 'train' | 'test'>;
  for (const part of partNames) {
    const random = new RandomStream(1, `own pictures/${part}`);
    const count = classes * perClass[part];
    const records = new Uint8Array(count * recordBytes);
    const features = new Float32Array(count * width);
    let drawn = 0;
    for (let n = 0; n < count; n++) {
      for (let b = 2; b < recordBytes; b++) records[n * recordBytes + b] = random.bits(drawn++) & 255;
      records[n * recordBytes + 1] = n % classes;
      for (let f = 0; f < width; f++)
        features[n * width + f] = (random.bits(drawn++) / 2 ** 32 - 0.5) / 2 + Number(f === n % classes);
    }
    facts[part] = { count, sha256: hashOf(records) };
    writeFileSync(binaryFile(folder, part), records);
    const metadata = { picturesSha256: facts[part].sha256, network: 'none' };
    writeFileSync(
      featuresFile(folder, part),
      serializeSafetensors([['features', { shape: [count, width], data: features }]], metadata),
    );
  }
  const names = Array.from({ length: classes }, (_, i) => `class ${i}`);
  const about = { title: 'own pictures', source: 'a test', classNames: names, coarseNames: ['all'], ...facts };
  writeFileSync(`${folder}/pictures.json`, JSON.stringify(about));
}
