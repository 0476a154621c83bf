// .github/dependabot.yml of a new project: it keeps vitrine, wrangler and the pinned actions up to date.

export const DEPENDABOT_YML = `version: 2
updates:
  - package-ecosystem: npm
    directory: /
    schedule: { interval: weekly }
  - package-ecosystem: github-actions
    directory: /
    schedule: { interval: weekly }
`;
