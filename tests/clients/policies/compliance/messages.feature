Feature: messages
  Scenario: every message names its author
    Given I have message defined
    Then it must contain author
