import { main } from './backup';

process.exitCode = await main(process.argv.slice(2));
