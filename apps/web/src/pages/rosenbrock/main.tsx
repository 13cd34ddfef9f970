import { startPage } from '../../ui/page.js';
import { View } from './view.js';

startPage('rosenbrock', View);
