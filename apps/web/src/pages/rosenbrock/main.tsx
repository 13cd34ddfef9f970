/** Starts the page of the race. */
import { startPage } from '../../ui/page.js';
import { RosenbrockPage } from './view.js';

startPage('rosenbrock', RosenbrockPage);
