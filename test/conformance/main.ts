/**
 * npm run conformance -- URL TOKEN                       checks the server at URL by acting as a trainer
 * npm run conformance -- --client COMMAND [ARGS...]      checks a client by acting as a server: COMMAND gets HEADROOM_SERVER and HEADROOM_TRAINER_TOKEN
 */
import { checkClient } from './client';
import { checkServer } from './server';

const [first, ...rest] = process.argv.slice(2);
const print = (line: string) => console.log(line);
if (first === '--client' && rest.length > 0) {
  const report = await checkClient(rest, print);
  print(report.summary());
  process.exit(report.failed > 0 ? 1 : 0);
} else if (first !== undefined && rest.length === 1) {
  const report = await checkServer(first.replace(/\/$/, ''), rest[0]!, print);
  print(report.summary());
  process.exit(report.failed > 0 ? 1 : 0);
} else {
  console.error('npm run conformance -- URL TOKEN\nnpm run conformance -- --client COMMAND [ARGS...]');
  process.exit(2);
}
