-- Whether a model can look at pictures; null: guessed by its name.
alter table models add column vision boolean;
