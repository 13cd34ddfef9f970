// Puts jasmine's globals (describe, it, expect…) in place; imported before any test file is evaluated.
import jasmineCore from 'jasmine-core';

jasmineCore.boot(jasmineCore);
