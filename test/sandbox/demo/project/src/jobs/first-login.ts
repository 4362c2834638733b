export { firstLogin } from '../../../../../../examples/wiki/src/jobs/first-login.ts'
