import { main } from './verify';

process.exitCode = await main(process.argv.slice(2));
