import type { CodegenConfig } from '@graphql-codegen/cli'

// The typed client is generated from the agreed schema and committed, so that a build needs no generator.
const config: CodegenConfig = {
  schema: '../frontend_schema/schema.graphql',
  documents: '../frontend_schema/operations/*.graphql',
  generates: {
    './src/gql/': {
      preset: 'client',
      presetConfig: { fragmentMasking: false },
      config: {
        documentMode: 'string',
        disableDescriptions: true,
        useTypeImports: true,
        enumsAsTypes: true,
        scalars: { DateTime: 'string', GeoJSON: 'GeoJSON.Geometry', BigInt: 'number', JSON: 'unknown', ID: 'string' },
      },
    },
  },
}

export default config
