import tseslint from 'typescript-eslint';

// Only what saves bugs: floating promises, exhaustive switches, unused code. Import direction is test/tidy.test.ts.
const rules = {
  '@typescript-eslint/no-floating-promises': 'error',
  '@typescript-eslint/no-misused-promises': ['error', { checksVoidReturn: false }],
  '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
  '@typescript-eslint/consistent-type-imports': 'error',
  '@typescript-eslint/no-explicit-any': 'error',
  '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_', caughtErrorsIgnorePattern: '^_' }],
  'no-debugger': 'error',
  eqeqeq: 'error',
};

function typed(files, project) {
  return {
    files,
    languageOptions: { parser: tseslint.parser, parserOptions: { project, tsconfigRootDir: import.meta.dirname } },
    plugins: { '@typescript-eslint': tseslint.plugin },
    rules,
  };
}

export default tseslint.config(
  { ignores: ['dist/**', 'node_modules/**', 'bench/**', 'web/vite.config.ts'] },
  typed(['src/**/*.ts', 'test/**/*.ts'], './tsconfig.test.json'),
  typed(['web/src/**/*.ts', 'web/src/**/*.tsx'], './web/tsconfig.json'),
);
