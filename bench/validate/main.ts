// `npm run validate`: speed, accuracy, security and optimisation, each checked for real; exits 1 when one fails.
import { observe } from './observe.ts';
import { validate } from './validate.ts';

process.exitCode = await validate(observe);
