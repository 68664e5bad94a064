-- Agents are suspended in the table suspensions; nothing reads this.
alter table agents drop column suspended_at;
