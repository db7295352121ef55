/** As in the browser tests: on a loaded machine a test waits. For every test that asks testing-library to find something later. */
import { configure } from '@testing-library/react';

configure({ asyncUtilTimeout: 60_000 });
