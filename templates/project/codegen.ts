import { codegenSettings } from 'hasura-sync-worker/codegen'

export default codegenSettings()
