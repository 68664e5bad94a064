-- A new master key: what was decided stays as it is, encrypted anew.
grant update (sealed) on decisions to ${app};
